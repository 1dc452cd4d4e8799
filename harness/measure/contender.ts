import type { Precision, Role } from '../implementation/manifest.ts';
import type { TrainerProcess } from '../implementation/trainer-process.ts';
import type { RefusedRow } from '../results/schema.ts';
import type { LossVerdict, VerifiedLosses } from '../verify/gate.ts';

/** What tables and results say about a row whether or not it was timed. */
export interface RowIdentity {
  readonly implementation: string;
  readonly runtime?: string;
  readonly language: string;
  readonly technique: string;
  readonly precision: Precision;
}

/** Why a row has no time. */
export type Refusal = Pick<RefusedRow, 'status' | 'reason' | 'maxLossError' | 'tolerance'>;

/** One implementation as the schedule sees it: something to start, and a way to tell whether it is right. */
export interface Contender {
  readonly identity: RowIdentity;
  readonly roles: readonly Role[];
  /** Everything that can be checked without timing. */
  readonly admit?: (signal: AbortSignal) => Promise<VerifiedLosses | Refusal>;
  /** Starts a fresh process. Rejects with an `ImplementationFailure` or an `UnsupportedTask`. */
  readonly start: (signal: AbortSignal) => Promise<TrainerProcess>;
  /** Compares the losses of a run with the reference's, from step 0 on. */
  readonly verify: (losses: Float64Array) => LossVerdict;
}

type Mismatch = LossVerdict & { readonly status: 'mismatch' };

/** Raised where a lap's losses are not the reference's: the row is refused, whatever its time. */
export class WrongLosses extends Error {
  override readonly name = 'WrongLosses';
  readonly verdict: Mismatch;

  constructor(verdict: Mismatch) {
    const { step, expected, actual } = verdict.firstMismatch;
    super(
      `step ${step}: loss ${actual ?? 'not finite'}, expected ${expected} within ${verdict.tolerance.toExponential(1)}`,
    );
    this.verdict = verdict;
  }
}

/** The verdict on losses that are right; throws {@link WrongLosses} otherwise. */
export function requireRight(
  contender: Contender,
  losses: Float64Array,
): LossVerdict & { readonly status: 'verified' } {
  const verdict = contender.verify(losses);
  if (verdict.status === 'mismatch') throw new WrongLosses(verdict);
  return verdict;
}
