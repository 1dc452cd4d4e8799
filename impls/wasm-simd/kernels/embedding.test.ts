import fc from 'fast-check';
import { describe, test } from 'vitest';
import { expectClose, type Matrix, TestKernel, variants } from '../test-kernel.ts';
import { type TestShape, testShapes } from '../test-shapes.ts';
import { embed, embedGradient } from './embedding.ts';

/** Writes the tables of rows, for tokens drawn from the first `kinds`. Padding columns get rows that belong to no parameter. */
function writeRows(kernel: TestKernel, { model, documents, columns, draw }: TestShape, kinds: number) {
  const { l, v } = kernel;
  const rowBytes = model.nEmbd * v.elementBytes;
  const positions = documents.flatMap((count) => Array.from({ length: count }, (_, t) => t));
  const tokens = positions.map(() => Math.floor(((draw() + 1) / 2) * kinds));
  const none = new Array<number>(kernel.vectors(columns) * v.lanes - columns).fill(l.noTile);
  kernel.writeIntegers(l.tokenRows, [...tokens.map((token) => l.parameters + token * rowBytes), ...none]);
  kernel.writeIntegers(l.positionRows, [...positions.map((t) => l.wpe + t * rowBytes), ...none]);
  kernel.fill(kernel.at(l.noTile, 1, model.nEmbd), () => 0);
  return { tokens, positions };
}

describe.each(variants)('$precision, fused $fused', (variant) => {
  test('a column is wte of its token and wpe of its position, and zero where there is none', () => {
    fc.assert(
      fc.property(testShapes(), (shape) => {
        const { model, documents, columns, draw } = shape;
        const { nEmbd, vocabSize, blockSize } = model;
        const kernel = new TestKernel(model, variant, (v, l) => [embed(v, l)], documents.length);
        const { l } = kernel;
        const wte = kernel.fill(kernel.at(l.parameters, vocabSize, nEmbd), draw);
        const wpe = kernel.fill(kernel.at(l.wpe, blockSize, nEmbd), draw);
        const { tokens, positions } = writeRows(kernel, shape, vocabSize);
        const to = kernel.features(nEmbd, kernel.vectors(columns) * kernel.v.lanes);
        kernel.run('embed', [to.address, kernel.vectors(columns)], [to]);
        const expected = kernel
          .read(to)
          .map((row, i) => row.map((_, c) => (c < columns ? wte[tokens[c]][i] + wpe[positions[c]][i] : 0)));
        expectClose(kernel.read(to), expected, kernel.epsilon);
      }),
      { numRuns: 8 },
    );
  });

  test('its gradient adds up where a token or a position comes twice', () => {
    fc.assert(
      fc.property(testShapes(), (shape) => {
        const { model, documents, columns, draw } = shape;
        const { nEmbd, vocabSize, blockSize } = model;
        const kernel = new TestKernel(model, variant, (v, l) => [embedGradient(v, l)], documents.length);
        const { l } = kernel;
        const dWte = kernel.at(l.parameters + l.toGradient, vocabSize, nEmbd);
        const dWpe = kernel.at(l.wpe + l.toGradient, blockSize, nEmbd);
        const none = kernel.at(l.noTile + l.toGradient, 1, nEmbd);
        const expectedWte = kernel.fill(dWte, draw).map((row) => [...row]);
        const expectedWpe = kernel.fill(dWpe, draw).map((row) => [...row]);
        kernel.fill(none, () => 0);
        const from = kernel.features(nEmbd, columns);
        const gradient: Matrix = kernel.fill(from, draw);
        kernel.padWithZeros(from);
        const { tokens, positions } = writeRows(kernel, shape, Math.min(2, vocabSize));
        kernel.run('embedGradient', [from.address, kernel.vectors(columns)], [dWte, dWpe]);
        for (const [i, row] of gradient.entries())
          for (const [c, value] of row.entries()) {
            expectedWte[tokens[c]][i] += value;
            expectedWpe[positions[c]][i] += value;
          }
        expectClose(kernel.read(dWte), expectedWte, columns * kernel.epsilon);
        expectClose(kernel.read(dWpe), expectedWpe, columns * kernel.epsilon);
      }),
      { numRuns: 8 },
    );
  });
});
