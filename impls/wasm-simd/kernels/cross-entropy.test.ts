import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectGradient, type Matrix, TestKernel, transposed, variants } from '../test-kernel.ts';
import { testShapes } from '../test-shapes.ts';
import { crossEntropy } from './cross-entropy.ts';

/** Mean over positions of -ln softmax(z)[target]. */
function naive(logits: Matrix, targets: readonly number[]): number {
  const losses = transposed(logits).map((z, t) => {
    const max = Math.max(...z);
    return Math.log(z.reduce((sum, value) => sum + Math.exp(value - max), 0)) + max - z[targets[t]];
  });
  return losses.reduce((a, b) => a + b) / losses.length;
}

describe.each(variants)('$precision, fused $fused', (variant) => {
  test.each([1, 30])(
    'the loss is the formula, and logits give way to its finite difference: logits up to %d',
    (size) => {
      fc.assert(
        fc.property(testShapes(), ({ model, positions, draw }) => {
          const kernel = new TestKernel(model, variant, (v, l) => [crossEntropy(v, l)]);
          const { l } = kernel;
          const logits = { ...kernel.features(model.vocabSize, positions), address: l.logits };
          const logSumExp = { ...kernel.features(1, positions), address: l.logSumExp };
          const z = kernel.fill(logits, () => size * draw());
          kernel.padWithZeros(logits);
          const targets = z[0].map(() => Math.floor(((draw() + 1) / 2) * model.vocabSize));
          kernel.writeIntegers(l.tokens, [0, ...targets]);
          kernel.writeNumber(l.lossScale, 1 / positions);
          const loss = kernel.run('crossEntropy', [positions, kernel.vectors(positions)], [logits, logSumExp]);
          expect(Math.abs(loss - naive(z, targets))).toBeLessThan(size * 16 * kernel.epsilon);
          const tolerance = 1e-7 + 16 * kernel.epsilon;
          expectGradient(kernel.read(logits), (moved) => naive(moved, targets), z, tolerance);
          const padding = { ...logits, columns: kernel.vectors(positions) * kernel.v.lanes };
          for (const row of kernel.read(padding))
            for (const value of row.slice(positions)) expect(value).toBeCloseTo(0, 300);
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
    const logSumExp = { ...kernel.features(1, 4), address: l.logSumExp };
    kernel.fill(logits, (token) => [0, -5000, -1e6][token]);
    kernel.writeIntegers(l.tokens, [0, 1, 1, 1, 1]);
    kernel.writeNumber(l.lossScale, 1 / 4);
    expect(kernel.run('crossEntropy', [4, kernel.vectors(4)], [logits, logSumExp])).toBe(5000);
    const smallestNormal = variant.precision === 'float32' ? 2 ** -126 : 2 ** -1022;
    for (const row of kernel.read(logits))
      for (const value of row) expect(Math.abs(value)).toBeGreaterThanOrEqual(smallestNormal);
  });
});
