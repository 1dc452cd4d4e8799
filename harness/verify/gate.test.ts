import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { wrongLoss } from './gate.ts';

const losses = (...values: readonly number[]) => Float64Array.from(values);

describe('losses against the reference', () => {
  test('are right within the tolerance', () => {
    expect(wrongLoss(losses(3, 2, 1), losses(3, 2 + 2e-6, 1 - 1e-6), 5e-6)).toBeUndefined();
  });

  test('the first step that differs is told, and how many agreed before', () => {
    expect(wrongLoss(losses(3, 2, 1), losses(3, 2.5, 9), 1e-10)).toEqual({
      stepsVerified: 1,
      maxLossError: 0.5,
      firstMismatch: { step: 2, expected: 2, actual: 2.5 },
    });
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('%s is a mismatch, also where training is not calm', (value) => {
    expect(wrongLoss(losses(3, 2), losses(3, value), 1e-10, 1)).toEqual({
      stepsVerified: 1,
      maxLossError: null,
      firstMismatch: { step: 2, expected: 2, actual: null },
    });
  });

  test('where training is not calm a loss only has to be finite', () => {
    expect(wrongLoss(losses(3, 2, 1), losses(3, 7, 8), 1e-10, 1)).toBeUndefined();
  });

  test('fewer losses than the reference has: as many are compared', () => {
    expect(wrongLoss(losses(3, 2, 1), losses(3), 1e-10)).toBeUndefined();
  });

  test('any single loss that is off by more than the tolerance is found', () => {
    const loss = fc.double({ min: 0.1, max: 10, noNaN: true });
    fc.assert(
      fc.property(fc.array(loss, { minLength: 1 }), fc.nat(), fc.boolean(), (expected, at, off) => {
        const step = at % expected.length;
        const actual = Float64Array.from(expected);
        actual[step] += 1e-6 * (off ? 1.01 : 0.99);
        const found = wrongLoss(Float64Array.from(expected), actual, 1e-6);
        expect(found?.firstMismatch.step).toBe(off ? step + 1 : undefined);
      }),
    );
  });
});
