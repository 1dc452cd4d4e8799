import type { Precision } from '../program/manifest.ts';

/**
 * How far the losses of a calm training may lie from the reference's. Measured at the original's size, over 1,000 steps:
 * float64 in another order of summation stays within 2e-15, float32 within 6e-7.
 */
export const baseTolerance: Readonly<Record<Precision, number>> = { float64: 1e-10, float32: 5e-6 };

/** The first loss that is not within tolerance. Steps are counted from 1; `actual` is null if not finite. */
export interface LossMismatch {
  readonly step: number;
  readonly expected: number;
  readonly actual: number | null;
}

/**
 * Compares losses from step 1 on, as far as both go, up to the first that is wrong; undefined if all are right. Beyond
 * `calmSteps` they must still be finite.
 * @param actual losses of the implementation, NaN if not finite
 */
export function wrongLoss(
  expected: Float64Array,
  actual: Float64Array,
  tolerance: number,
  calmSteps: number = expected.length,
):
  | { readonly stepsVerified: number; readonly maxLossError: number | null; readonly firstMismatch: LossMismatch }
  | undefined {
  for (let step = 0; step < Math.min(expected.length, actual.length); step++) {
    const finite = Number.isFinite(actual[step]);
    const error = Math.abs(actual[step] - expected[step]);
    if (finite && (step >= calmSteps || error <= tolerance)) continue;
    return {
      stepsVerified: Math.min(step, calmSteps),
      maxLossError: finite ? error : null,
      firstMismatch: { step: step + 1, expected: expected[step], actual: finite ? actual[step] : null },
    };
  }
  return undefined;
}
