import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { baseTolerance, flatGate, lossGate, verifyLosses } from './gate.ts';

const losses = (...values: readonly number[]) => Float64Array.from(values);

describe('tolerance of a step', () => {
  test('calm training: the base alone, over all steps', () => {
    const gate = lossGate('float32', 1000, new Float64Array(1000).fill(9.2e-7));
    expect(gate.tolerances).toEqual(new Float64Array(1000).fill(5e-6));
  });

  test('where rounding grows: ten envelopes, up to the horizon', () => {
    const gate = lossGate('float64', 6, losses(2 ** -50, 2 ** -36, 2 ** -35, 2 ** -26, 2e-4, 3e-4));
    expect(Array.from(gate.tolerances)).toEqual([1e-10, 1e-10, 10 * 2 ** -35, 10 * 2 ** -26]);
  });

  test('an envelope that is not finite lies beyond the horizon', () => {
    expect(lossGate('float32', 3, losses(1e-9, Number.POSITIVE_INFINITY)).tolerances).toHaveLength(1);
  });

  test('never below the base, never shrinking', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e-3, noNaN: true })), (growth) => {
        let moved = 0;
        const envelope = Float64Array.from(growth, (more) => (moved = Math.max(moved, more)));
        const { tolerances } = lossGate('float64', growth.length, envelope);
        expect(tolerances.every((tolerance, step) => tolerance >= Math.max(1e-10, tolerances[step - 1] ?? 0))).toBe(
          true,
        );
        expect(tolerances.every((tolerance) => tolerance <= 1e-3)).toBe(true);
      }),
    );
  });
});

describe('losses against the reference', () => {
  test('within tolerance: verified, with the largest error', () => {
    expect(verifyLosses(losses(3, 2, 1), losses(3, 2 + 2e-6, 1 - 1e-6), flatGate('float32', 3))).toEqual({
      status: 'verified',
      stepsVerified: 3,
      maxLossError: expect.closeTo(2e-6, 12),
      tolerance: 5e-6,
    });
  });

  test('the first step that differs is told, and how many agreed before', () => {
    expect(verifyLosses(losses(3, 2, 1), losses(3, 2.5, 9), flatGate('float64', 3))).toEqual({
      status: 'mismatch',
      stepsVerified: 1,
      maxLossError: 0.5,
      tolerance: 1e-10,
      firstMismatch: { step: 2, expected: 2, actual: 2.5 },
    });
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('%s is a mismatch, also beyond the horizon', (value) => {
    const gate = { tolerances: losses(1e-10) };
    expect(verifyLosses(losses(3, 2), losses(3, value), gate)).toMatchObject({
      status: 'mismatch',
      maxLossError: null,
      firstMismatch: { step: 2, expected: 2, actual: null },
    });
  });

  test('beyond the horizon a loss only has to be finite, and does not count', () => {
    const verdict = verifyLosses(losses(3, 2, 1), losses(3, 7, 8), { tolerances: losses(1e-10) });
    expect(verdict).toMatchObject({ status: 'verified', stepsVerified: 1, maxLossError: 0 });
  });

  test('fewer losses than the reference has: as many are verified', () => {
    expect(verifyLosses(losses(3, 2, 1), losses(3), flatGate('float64', 3))).toMatchObject({ stepsVerified: 1 });
  });

  test('any single loss that is off by more than its tolerance is found', () => {
    const loss = fc.double({ min: 0.1, max: 10, noNaN: true });
    const precision = fc.constantFrom('float32', 'float64');
    fc.assert(
      fc.property(
        fc.array(loss, { minLength: 1 }),
        fc.nat(),
        precision,
        fc.boolean(),
        (expected, at, declared, off) => {
          const step = at % expected.length;
          const actual = Float64Array.from(expected);
          actual[step] += baseTolerance[declared] * (off ? 1.01 : 0.99);
          const verdict = verifyLosses(Float64Array.from(expected), actual, flatGate(declared, expected.length));
          expect(verdict.status).toBe(off ? 'mismatch' : 'verified');
          if (verdict.status === 'mismatch') expect(verdict.firstMismatch.step).toBe(step + 1);
        },
      ),
    );
  });
});
