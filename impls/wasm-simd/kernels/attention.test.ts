import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  expectClose,
  expectGradient,
  innerProduct,
  type Matrix,
  type Placed,
  TestKernel,
  variants,
} from '../test-kernel.ts';
import { testShapes } from '../test-shapes.ts';
import { attention, attentionGradient } from './attention.ts';
import { weightStrides } from './layout.ts';

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

/** {@link naive} for documents side by side. */
function naiveDocuments(qkv: Matrix, nHead: number, documents: readonly number[]): Matrix {
  let first = 0;
  const outs = documents.map((positions) => {
    const own = qkv.map((row) => row.slice(first, first + positions));
    first += positions;
    return naive(own, nHead);
  });
  return outs[0].map((_, feature) => outs.flatMap((out) => out[feature]));
}

function placed(kernel: TestKernel, documents: number, columns: number) {
  const { nEmbd, nHead } = kernel.l.model;
  const { document } = weightStrides(kernel.l.model, kernel.v);
  // The vectors of the last document may end after the last column.
  const reach = columns + (documents > 1 ? kernel.v.lanes - 1 : 0);
  const features = (rows: number) => kernel.features(rows, reach);
  return {
    qkv: features(3 * nEmbd),
    weights: kernel.rows(documents, document / kernel.v.elementBytes),
    weightScale: features(nHead),
    out: features(nEmbd),
    dOut: features(nEmbd),
    dQkv: features(3 * nEmbd),
  };
}

/** Random in all columns, and zero after the last. */
function fillColumns(kernel: TestKernel, place: Placed, columns: number, draw: () => number): Matrix {
  kernel.fill(place, (_, column) => (column < columns ? draw() : 0));
  kernel.padWithZeros(place);
  return kernel.read({ ...place, columns });
}

describe.each(variants)('$precision, fused $fused', (variant) => {
  test('each position mixes the values of those up to itself by softmax of its scores', () => {
    fc.assert(
      fc.property(testShapes(), ({ model, documents, columns, draw }) => {
        const kernel = new TestKernel(model, variant, (v, l) => [attention(v, l, model.nHead)], documents.length);
        const { qkv, weights, weightScale, out } = placed(kernel, documents.length, columns);
        const input = fillColumns(kernel, qkv, columns, () => 2 * draw());
        kernel.writeDocuments(documents);
        const pointers = [qkv, weights, weightScale, out].map(({ address }) => address);
        kernel.run('attention', [...pointers, documents.length], [weights, weightScale, out]);
        const expected = naiveDocuments(input, model.nHead, documents);
        expectClose(kernel.read({ ...out, columns }), expected, 64 * kernel.epsilon);
      }),
      { numRuns: 8 },
    );
  });

  test('its gradient is the finite difference, with respect to queries, keys and values of all positions', () => {
    fc.assert(
      fc.property(testShapes(), ({ model, documents, columns, draw }) => {
        const { nHead } = model;
        const kernel = new TestKernel(
          model,
          variant,
          (v, l) => [attention(v, l, nHead), attentionGradient(v, l, nHead)],
          documents.length,
        );
        const { qkv, weights, weightScale, out, dOut, dQkv } = placed(kernel, documents.length, columns);
        const input = fillColumns(kernel, qkv, columns, draw);
        const upstream = fillColumns(kernel, dOut, columns, draw);
        kernel.fill(out, () => 0);
        kernel.writeDocuments(documents);
        const pointers = [qkv, weights, weightScale, out].map(({ address }) => address);
        kernel.run('attention', [...pointers, documents.length], [weights, weightScale, out]);
        const gradients = [dOut.address, dQkv.address, kernel.vectors(columns), documents.length];
        kernel.run('attentionGradient', [...pointers, ...gradients], [dQkv]);
        const tolerance = 1e-7 + 128 * kernel.epsilon;
        expectGradient(
          kernel.read({ ...dQkv, columns }),
          (moved) => innerProduct(naiveDocuments(moved, nHead, documents), upstream),
          input,
          tolerance,
        );
        const padded = kernel.read({ ...dQkv, columns: kernel.vectors(columns) * kernel.v.lanes });
        for (const row of padded) for (const value of row.slice(columns)) expect(Math.abs(value)).toBe(0);
      }),
      { numRuns: 6 },
    );
  });
});
