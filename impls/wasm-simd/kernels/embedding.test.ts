import fc from 'fast-check';
import { describe, test } from 'vitest';
import { expectClose, TestKernel, variants } from '../test-kernel.ts';
import { testShapes } from '../test-shapes.ts';
import { clearEmbeddingGradient, embed, embedGradient } from './embedding.ts';

describe.each(variants)('$precision, fused $fused', (variant) => {
  test('row t is wte[token t] + wpe[t], and zero where positions pad a vector', () => {
    fc.assert(
      fc.property(testShapes(), ({ model, positions, draw }) => {
        const { nEmbd, vocabSize, blockSize } = model;
        const kernel = new TestKernel(model, variant, (v, l) => [embed(v, l)]);
        const { l } = kernel;
        const wte = kernel.fill(kernel.at(l.parameters, vocabSize, nEmbd), draw);
        const wpe = kernel.fill(kernel.at(l.wpe, blockSize, nEmbd), draw);
        const tokens = wpe.slice(0, positions).map(() => Math.floor(((draw() + 1) / 2) * vocabSize));
        kernel.writeIntegers(l.tokens, tokens);
        const rows = kernel.at(l.embeddingRows, kernel.vectors(positions) * kernel.v.lanes, nEmbd);
        kernel.run('embed', [positions, kernel.vectors(positions)], [rows]);
        const expected = kernel
          .read(rows)
          .map((_, t) => wpe[0].map((_, i) => (t < positions ? wte[tokens[t]][i] + wpe[t][i] : 0)));
        expectClose(kernel.read(rows), expected, kernel.epsilon);
      }),
      { numRuns: 15 },
    );
  });

  test('its gradient adds up where a token comes twice', () => {
    fc.assert(
      fc.property(testShapes(), ({ model, positions, draw }) => {
        const { nEmbd, vocabSize, blockSize } = model;
        const kernel = new TestKernel(model, variant, (v, l) => [embedGradient(v, l)]);
        const { l } = kernel;
        const [dWte, dWpe] = [
          kernel.at(l.parameters + l.toGradient, vocabSize, nEmbd),
          kernel.at(l.wpe + l.toGradient, blockSize, nEmbd),
        ];
        const expectedWte = kernel.fill(dWte, draw).map((row) => [...row]);
        const expectedWpe = kernel.fill(dWpe, draw).map((row) => [...row]);
        const rows = kernel.fill(kernel.at(l.embeddingRows, positions, nEmbd), draw);
        const tokens = rows.map(() => Math.floor(((draw() + 1) / 2) * Math.min(2, vocabSize)));
        kernel.writeIntegers(l.tokens, tokens);
        kernel.run('embedGradient', [positions], [dWte, dWpe]);
        for (const [t, row] of rows.entries())
          for (const [i, value] of row.entries()) {
            expectedWte[tokens[t]][i] += value;
            expectedWpe[t][i] += value;
          }
        expectClose(kernel.read(dWte), expectedWte, positions * kernel.epsilon);
        expectClose(kernel.read(dWpe), expectedWpe, positions * kernel.epsilon);
      }),
      { numRuns: 15 },
    );
  });

  test('cleared, the gradients of both embeddings are zero, and nothing else is touched', () => {
    fc.assert(
      fc.property(testShapes(), ({ model, draw }) => {
        const kernel = new TestKernel(model, variant, (v, l) => [clearEmbeddingGradient(v, l)]);
        const rows = model.vocabSize + model.blockSize;
        const gradients = kernel.at(kernel.l.parameters + kernel.l.toGradient, rows, model.nEmbd);
        kernel.fill(gradients, draw);
        kernel.run('clearEmbeddingGradient', [], [gradients]);
        expectClose(kernel.read(gradients), new Array(rows).fill(new Array(model.nEmbd).fill(0)), 0);
      }),
      { numRuns: 15 },
    );
  });
});
