import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { verifyLosses } from './gate.ts';

const losses = (...values: readonly number[]) => Float64Array.from(values);

describe('losses against the reference', () => {
  test('within tolerance: verified, with the largest error', () => {
    expect(verifyLosses(losses(3, 2, 1), losses(3, 2 + 2e-6, 1 - 1e-6), 5e-6)).toEqual({
      status: 'verified',
      stepsVerified: 3,
      maxLossError: expect.closeTo(2e-6, 12),
      tolerance: 5e-6,
    });
  });

  test('the first step that differs is told, and how many agreed before', () => {
    expect(verifyLosses(losses(3, 2, 1), losses(3, 2.5, 9), 1e-10)).toEqual({
      status: 'mismatch',
      stepsVerified: 1,
      maxLossError: 0.5,
      tolerance: 1e-10,
      firstMismatch: { step: 2, expected: 2, actual: 2.5 },
    });
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('%s is a mismatch, also where training is not calm', (value) => {
    expect(verifyLosses(losses(3, 2), losses(3, value), 1e-10, 1)).toMatchObject({
      status: 'mismatch',
      maxLossError: null,
      firstMismatch: { step: 2, expected: 2, actual: null },
    });
  });

  test('where training is not calm a loss only has to be finite, and does not count', () => {
    const verdict = verifyLosses(losses(3, 2, 1), losses(3, 7, 8), 1e-10, 1);
    expect(verdict).toMatchObject({ status: 'verified', stepsVerified: 1, maxLossError: 0 });
  });

  test('fewer losses than the reference has: as many are verified', () => {
    expect(verifyLosses(losses(3, 2, 1), losses(3), 1e-10)).toMatchObject({ stepsVerified: 1 });
  });

  test('any single loss that is off by more than the tolerance is found', () => {
    const loss = fc.double({ min: 0.1, max: 10, noNaN: true });
    fc.assert(
      fc.property(fc.array(loss, { minLength: 1 }), fc.nat(), fc.boolean(), (expected, at, off) => {
        const step = at % expected.length;
        const actual = Float64Array.from(expected);
        actual[step] += 1e-6 * (off ? 1.01 : 0.99);
        const verdict = verifyLosses(Float64Array.from(expected), actual, 1e-6);
        expect(verdict.status).toBe(off ? 'mismatch' : 'verified');
        if (verdict.status === 'mismatch') expect(verdict.firstMismatch.step).toBe(step + 1);
      }),
    );
  });
});
