import type { Precision } from '../program/manifest.ts';

/**
 * How far a loss may lie from the reference's. Measured (REFERENCE.md, "Measured facts"): at the original's size, float64 in
 * another order of summation stays within 2e-15 over 1,000 steps, float32 within 6e-7.
 */
export const baseTolerance: Readonly<Record<Precision, number>> = { float64: 1e-10, float32: 5e-6 };

/** Below this part of the base tolerance, rounding has not grown: training is calm. */
const CALM_FRACTION = 1 / 4;

/**
 * Two correct float32 trainers were seen at most 3.1 envelopes away, and 0.7 base tolerances where training was calm, over 19
 * tasks (d16 to d128, two data sets, up to five seeds each).
 */
const ENVELOPES_ALLOWED = 10;

/** Where rounding alone moves the loss by more than this, a loss no longer tells right from wrong. */
export const HORIZON_ENVELOPE = 1e-4;

/** What losses must lie within: one tolerance a step, up to the horizon. */
export interface LossGate {
  /** `[steps]`; as long as the horizon, or as many steps as were asked for. */
  readonly tolerances: Float64Array;
}

/**
 * The gate for `steps` steps. `envelope[s]` is how far rounding alone had moved any loss up to step s (see `envelope.ts`). As long
 * as training is calm, and that is for all 1,000 steps at the original's size, the base is the tolerance; from there on each step
 * allows a multiple of the envelope, and nothing is counted once the envelope passes the horizon's.
 */
export function lossGate(precision: Precision, steps: number, envelope: Float64Array): LossGate {
  const beyond = envelope.findIndex((moved) => !(moved <= HORIZON_ENVELOPE));
  const horizon = Math.min(steps, beyond === -1 ? envelope.length : beyond);
  const base = baseTolerance[precision];
  const toleranceAt = (moved: number) =>
    moved <= CALM_FRACTION * base ? base : Math.max(base, ENVELOPES_ALLOWED * moved);
  return { tolerances: Float64Array.from(envelope.subarray(0, horizon), toleranceAt) };
}

/** The gate where nothing is known of the envelope: the base tolerance at every step. */
export function flatGate(precision: Precision, steps: number): LossGate {
  return { tolerances: new Float64Array(steps).fill(baseTolerance[precision]) };
}

/** The first loss that is not within tolerance. Steps are counted from 1; `actual` is null where it was not finite. */
export interface LossMismatch {
  readonly step: number;
  readonly expected: number;
  readonly actual: number | null;
}

interface LossFindings {
  /** Steps within tolerance before the first that is not; steps beyond the horizon do not count. */
  readonly stepsVerified: number;
  /** Largest error of the steps that were compared, up to and with the first mismatch; null where that was not finite. */
  readonly maxLossError: number | null;
  /** Largest tolerance any of these steps had, or the one the mismatch broke. */
  readonly tolerance: number;
}

export type VerifiedLosses = LossFindings & { readonly status: 'verified'; readonly maxLossError: number };

export type LossVerdict =
  | VerifiedLosses
  | (LossFindings & { readonly status: 'mismatch'; readonly firstMismatch: LossMismatch });

/**
 * Compares losses with the reference's, from step 1 on, as far as both go. Beyond the horizon they must still be finite.
 * @param expected losses of the reference
 * @param actual losses of the implementation, NaN where they were not finite
 */
export function verifyLosses(expected: Float64Array, actual: Float64Array, gate: LossGate): LossVerdict {
  let maxLossError = 0;
  let tolerance = 0;
  let stepsVerified = 0;
  for (let step = 0; step < Math.min(expected.length, actual.length); step++) {
    const allowed = gate.tolerances[step] ?? Number.POSITIVE_INFINITY;
    const error = Math.abs(actual[step] - expected[step]);
    if (!(error <= allowed && Number.isFinite(actual[step]))) {
      const finite = Number.isFinite(actual[step]);
      return {
        status: 'mismatch',
        stepsVerified,
        maxLossError: finite ? Math.max(maxLossError, error) : null,
        tolerance: Number.isFinite(allowed) ? allowed : tolerance,
        firstMismatch: { step: step + 1, expected: expected[step], actual: finite ? actual[step] : null },
      };
    }
    if (step >= gate.tolerances.length) continue;
    stepsVerified = step + 1;
    maxLossError = Math.max(maxLossError, error);
    tolerance = Math.max(tolerance, allowed);
  }
  return { status: 'verified', stepsVerified, maxLossError, tolerance };
}
