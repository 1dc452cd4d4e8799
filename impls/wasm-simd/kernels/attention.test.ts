import fc from 'fast-check';
import { describe, test } from 'vitest';
import { expectClose, expectGradient, innerProduct, type Matrix, TestKernel, variants } from '../test-kernel.ts';
import { testShapes } from '../test-shapes.ts';
import { attention, attentionGradient } from './attention.ts';

/** Causal attention over `[3 · nEmbd][position]`, formula by formula. */
function naive(qkv: Matrix, nHead: number): Matrix {
  const nEmbd = qkv.length / 3;
  const headDim = nEmbd / nHead;
  const at = (part: number, feature: number) => qkv[part * nEmbd + feature];
  const out = Array.from({ length: nEmbd }, () => new Array<number>(qkv[0].length).fill(0));
  for (let head = 0; head < nHead; head++) {
    const features = Array.from({ length: headDim }, (_, d) => head * headDim + d);
    for (let t = 0; t < qkv[0].length; t++) {
      const score = (j: number) => features.reduce((sum, i) => sum + at(0, i)[t] * at(1, i)[j], 0) / Math.sqrt(headDim);
      const weights = Array.from({ length: t + 1 }, (_, j) => Math.exp(score(j)));
      const total = weights.reduce((a, b) => a + b);
      for (const i of features) out[i][t] = weights.reduce((sum, w, j) => sum + (w / total) * at(2, i)[j], 0);
    }
  }
  return out;
}

function placed(kernel: TestKernel, positions: number) {
  const { nEmbd, nHead } = kernel.l.model;
  const keys = kernel.vectors(kernel.l.model.blockSize) * kernel.v.lanes;
  return {
    qkv: kernel.features(3 * nEmbd, positions),
    weights: kernel.features(nHead * keys, positions),
    weightScale: kernel.features(nHead, positions),
    out: kernel.features(nEmbd, positions),
    dOut: kernel.features(nEmbd, positions),
    dQkv: kernel.features(3 * nEmbd, positions),
  };
}

describe.each(variants)('$precision, fused $fused', (variant) => {
  test('each position mixes the values of those up to itself by softmax of its scores', () => {
    fc.assert(
      fc.property(testShapes(), ({ model, positions, draw }) => {
        const kernel = new TestKernel(model, variant, (v, l) => [attention(v, l, model.nHead)]);
        const { qkv, weights, weightScale, out } = placed(kernel, positions);
        const input = kernel.fill(qkv, () => 2 * draw());
        kernel.padWithZeros(qkv);
        const pointers = [qkv, weights, weightScale, out].map(({ address }) => address);
        kernel.run('attention', [...pointers, kernel.vectors(positions)], [weights, weightScale, out]);
        expectClose(kernel.read(out), naive(input, model.nHead), 64 * kernel.epsilon);
      }),
      { numRuns: 15 },
    );
  });

  test('its gradient is the finite difference, with respect to queries, keys and values of all positions', () => {
    fc.assert(
      fc.property(testShapes(), ({ model, positions, draw }) => {
        const { nHead } = model;
        const kernel = new TestKernel(model, variant, (v, l) => [
          attention(v, l, nHead),
          attentionGradient(v, l, nHead),
        ]);
        const { qkv, weights, weightScale, out, dOut, dQkv } = placed(kernel, positions);
        const input = kernel.fill(qkv, draw);
        const upstream = kernel.fill(dOut, draw);
        kernel.padWithZeros(qkv);
        kernel.padWithZeros(dOut);
        const pointers = [qkv, weights, weightScale, out].map(({ address }) => address);
        const vectors = kernel.vectors(positions);
        kernel.run('attention', [...pointers, vectors], [weights, weightScale, out]);
        kernel.run('attentionGradient', [...pointers, dOut.address, dQkv.address, vectors], [dQkv]);
        const tolerance = 1e-7 + 128 * kernel.epsilon;
        expectGradient(kernel.read(dQkv), (moved) => innerProduct(naive(moved, nHead), upstream), input, tolerance);
      }),
      { numRuns: 6 },
    );
  });
});
