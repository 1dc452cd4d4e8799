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

interface LossFindings {
  readonly stepsVerified: number;
  /** Of the steps that were compared; null if one was not finite. */
  readonly maxLossError: number | null;
  readonly tolerance: number;
}

export type VerifiedLosses = LossFindings & { readonly status: 'verified'; readonly maxLossError: number };

type LossVerdict =
  | VerifiedLosses
  | (LossFindings & { readonly status: 'mismatch'; readonly firstMismatch: LossMismatch });

/**
 * Compares losses from step 1 on, as far as both go. Beyond `calmSteps` they must still be finite.
 * @param actual losses of the implementation, NaN if not finite
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
