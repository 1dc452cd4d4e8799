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
import { headStrides } from './layout.ts';

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
      const scores = Array.from({ length: t + 1 }, (_, j) => score(j));
      const weights = scores.map((each) => Math.exp(each - Math.max(...scores)));
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
  const { v, l } = kernel;
  const { nEmbd, nHead } = l.model;
  const { groups, qkvBytes, outBytes, documentBytes, vectorBytes } = headStrides(l.model, v, nHead);
  const reach = kernel.vectors(columns) * v.lanes;
  const bytes = (count: number) => kernel.rows(1, count / v.elementBytes);
  const own = (address: number, count: number) => kernel.at(address, 1, count / v.elementBytes);
  return {
    qkv: kernel.features(3 * nEmbd, columns),
    rows: bytes(reach * groups * qkvBytes),
    weights: bytes(documents * documentBytes + 3 * vectorBytes),
    weightScale: bytes(columns * groups * vectorBytes),
    out: kernel.features(nEmbd, columns),
    dOut: kernel.features(nEmbd, columns),
    dQkv: kernel.features(3 * nEmbd, columns),
    outRows: own(l.outRows, reach * groups * outBytes),
    gradientRows: own(l.gradientRows, reach * groups * qkvBytes),
    weightGradients: own(l.weightGradients, l.model.blockSize * vectorBytes),
  };
}

/** Random in all columns, and zero after the last. */
function fillColumns(kernel: TestKernel, place: Placed, columns: number, draw: () => number): Matrix {
  kernel.fill(place, (_, column) => (column < columns ? draw() : 0));
  kernel.padWithZeros(place);
  return kernel.read({ ...place, columns });
}

describe.each(variants)('$precision, fused $fused', (variant) => {
  test.each([
    { rule: 'each position mixes the values of those up to itself by softmax of its scores', range: 2, units: 64 },
    { rule: 'keys far below the best count for nothing', range: 16, units: 8192 },
  ])('$rule', ({ range, units }) => {
    fc.assert(
      fc.property(testShapes(), ({ model, documents, columns, draw }) => {
        const kernel = new TestKernel(model, variant, (v, l) => [attention(v, l, model.nHead)], documents.length);
        const { qkv, rows, weights, weightScale, out, outRows } = placed(kernel, documents.length, columns);
        const input = fillColumns(kernel, qkv, columns, () => range * draw());
        kernel.writeDocuments(documents);
        const outputs = [rows, weights, weightScale, out];
        const pointers = [qkv, ...outputs].map(({ address }) => address);
        kernel.run('attention', [...pointers, kernel.vectors(columns), documents.length], [...outputs, outRows]);
        const expected = naiveDocuments(input, model.nHead, documents);
        expectClose(kernel.read({ ...out, columns }), expected, units * kernel.epsilon);
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
        const place = placed(kernel, documents.length, columns);
        const { qkv, rows, weights, weightScale, out, dOut, dQkv, outRows, gradientRows, weightGradients } = place;
        const input = fillColumns(kernel, qkv, columns, draw);
        const upstream = fillColumns(kernel, dOut, columns, draw);
        kernel.writeDocuments(documents);
        const pointers = [rows, weights, weightScale].map(({ address }) => address);
        const sizes = [kernel.vectors(columns), documents.length];
        kernel.call('attention', [qkv.address, ...pointers, out.address, ...sizes]);
        const scratch = [outRows, gradientRows, weightGradients];
        kernel.run(
          'attentionGradient',
          [...pointers, dOut.address, dQkv.address, ...sizes],
          [weights, dQkv, ...scratch],
        );
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
