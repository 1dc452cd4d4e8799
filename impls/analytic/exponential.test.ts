import { assert, double, property } from 'fast-check';
import { expect, test } from 'vitest';
import { exponential } from './exponential.ts';

test('is e^x within two units in the last place, where softmax asks for it', () => {
  assert(
    property(double({ min: -350, max: 0, noNaN: true }), (x) => {
      expect(Math.abs(exponential(x) / Math.exp(x) - 1)).toBeLessThanOrEqual(4 * Number.EPSILON);
    }),
    { numRuns: 10_000, examples: [[0], [-0], [-350], [-Math.LN2], [-230], [-Number.EPSILON]] },
  );
});
