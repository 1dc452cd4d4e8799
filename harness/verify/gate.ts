import type { Precision } from '../program/manifest.ts';

/**
 * How far the loss of a whole trajectory may lie from the reference's, where training is calm. Measured: at the original's size,
 * float64 in another order of summation stays within 2e-15 over 1,000 steps, float32 within 6e-7.
 */
export const baseTolerance: Readonly<Record<Precision, number>> = { float64: 1e-10, float32: 5e-6 };

/** The first loss that is not within tolerance. Steps are counted from 1; `actual` is null where it was not finite. */
export interface LossMismatch {
  readonly step: number;
  readonly expected: number;
  readonly actual: number | null;
}

interface LossFindings {
  readonly stepsVerified: number;
  /** Largest error of the steps that were compared; null where one was not finite. */
  readonly maxLossError: number | null;
  readonly tolerance: number;
}

export type VerifiedLosses = LossFindings & { readonly status: 'verified'; readonly maxLossError: number };

export type LossVerdict =
  | VerifiedLosses
  | (LossFindings & { readonly status: 'mismatch'; readonly firstMismatch: LossMismatch });

/**
 * Compares losses with the reference's, from step 1 on, as far as both go. Beyond `calmSteps` they must still be finite.
 * @param expected losses of the reference
 * @param actual losses of the implementation, NaN where they were not finite
 */
export function verifyLosses(
  expected: Float64Array,
  actual: Float64Array,
  tolerance: number,
  calmSteps: number = expected.length,
): LossVerdict {
  let maxLossError = 0;
  const steps = Math.min(expected.length, actual.length);
  for (let step = 0; step < steps; step++) {
    const finite = Number.isFinite(actual[step]);
    const error = Math.abs(actual[step] - expected[step]);
    if (finite && (step >= calmSteps || error <= tolerance)) {
      if (step < calmSteps) maxLossError = Math.max(maxLossError, error);
      continue;
    }
    return {
      status: 'mismatch',
      stepsVerified: Math.min(step, calmSteps),
      maxLossError: finite ? Math.max(maxLossError, error) : null,
      tolerance,
      firstMismatch: { step: step + 1, expected: expected[step], actual: finite ? actual[step] : null },
    };
  }
  return { status: 'verified', stepsVerified: Math.min(steps, calmSteps), maxLossError, tolerance };
}
