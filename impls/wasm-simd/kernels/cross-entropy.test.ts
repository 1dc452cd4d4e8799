import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectGradient, type Matrix, TestKernel, transposed, variants } from '../test-kernel.ts';
import { testShapes } from '../test-shapes.ts';
import { crossEntropy } from './cross-entropy.ts';
import { toColumn } from './layout.ts';

/** Σ over documents of the mean over their positions of -ln softmax(z)[target]. */
function naive(logits: Matrix, targets: readonly number[], documents: readonly number[]): number {
  const losses = transposed(logits).map((z, t) => {
    const max = Math.max(...z);
    return Math.log(z.reduce((sum, value) => sum + Math.exp(value - max), 0)) + max - z[targets[t]];
  });
  let first = 0;
  return documents.reduce((sum, positions) => {
    const own = losses.slice(first, first + positions);
    first += positions;
    return sum + own.reduce((a, b) => a + b) / positions;
  }, 0);
}

/** The addresses of the targets' logits. */
function writeTargets(kernel: TestKernel, targets: readonly number[]) {
  const { l, v } = kernel;
  kernel.writeIntegers(
    l.targets,
    targets.map((target, column) => l.logits + target * l.strideBytes + toColumn(v, l, column)),
  );
}

describe.each(variants)('$precision, fused $fused', (variant) => {
  test.each([1, 30])(
    'the loss is the formula, and logits give way to its finite difference: logits up to %d',
    (size) => {
      fc.assert(
        fc.property(testShapes(), ({ model, documents, columns, draw }) => {
          const kernel = new TestKernel(model, variant, (v, l) => [crossEntropy(v, l)], documents.length);
          const { l } = kernel;
          const logits = { ...kernel.features(model.vocabSize, columns), address: l.logits };
          const perColumn = [l.logSumExp, l.targetLogits].map((address) => kernel.at(address, 1, columns));
          const z = kernel.fill(logits, () => size * draw());
          kernel.padWithZeros(logits);
          const targets = z[0].map(() => Math.floor(((draw() + 1) / 2) * model.vocabSize));
          writeTargets(kernel, targets);
          kernel.writeDocuments(documents);
          const loss = kernel.at(l.loss, 1, 8 / kernel.v.elementBytes);
          kernel.run('crossEntropy', [kernel.vectors(columns), documents.length], [logits, ...perColumn, loss]);
          const expected = naive(z, targets, documents);
          expect(Math.abs(kernel.readFloat64(l.loss) - expected)).toBeLessThan(
            documents.length * size * 16 * kernel.epsilon,
          );
          const tolerance = 1e-7 + 16 * kernel.epsilon;
          expectGradient(kernel.read(logits), (moved) => naive(moved, targets, documents), z, tolerance);
          const padding = { ...logits, columns: kernel.vectors(columns) * kernel.v.lanes };
          for (const row of kernel.read(padding))
            for (const value of row.slice(columns)) expect(value).toBeCloseTo(0, 300);
        }),
        { numRuns: 10 },
      );
    },
  );

  test('a logit hopelessly far below the largest costs its distance and stays a normal number', () => {
    const model = { nEmbd: 4, nHead: 1, nLayer: 1, blockSize: 4, vocabSize: 3 };
    const kernel = new TestKernel(model, variant, (v, l) => [crossEntropy(v, l)]);
    const { l } = kernel;
    const logits = { ...kernel.features(3, 4), address: l.logits };
    const perColumn = [l.logSumExp, l.targetLogits].map((address) => kernel.at(address, 1, 4));
    kernel.fill(logits, (token) => [0, -5000, -1e6][token]);
    writeTargets(kernel, [1, 1, 1, 1]);
    kernel.writeDocuments([4]);
    const loss = kernel.at(l.loss, 1, 8 / kernel.v.elementBytes);
    kernel.run('crossEntropy', [kernel.vectors(4), 1], [logits, ...perColumn, loss]);
    expect(kernel.readFloat64(l.loss)).toBe(5000);
    const smallestNormal = variant.precision === 'float32' ? 2 ** -126 : 2 ** -1022;
    for (const row of kernel.read(logits))
      for (const value of row) expect(Math.abs(value)).toBeGreaterThanOrEqual(smallestNormal);
  });
});
