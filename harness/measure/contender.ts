import { randomInt } from 'node:crypto';
import { diagnoseMismatch } from '../diagnose/diagnose-mismatch.ts';
import { availability } from '../program/availability.ts';
import type { Entrant } from '../program/entrants.ts';
import { folderHash } from '../program/implementation-hash.ts';
import { type Precision, type Role, threadsHere } from '../program/manifest.ts';
import { startTrainer, type TrainerProcess } from '../program/trainer-process.ts';
import type { RefusedRow, VerifiedRow } from '../results/schema.ts';
import { GAUNTLET_SEEDS } from '../task/gauntlet.ts';
import type { Expectation } from '../verify/expectation.ts';
import { baseTolerance, type LossVerdict, type VerifiedLosses, verifyLosses } from '../verify/gate.ts';
import { type Verification, verifyImplementation } from '../verify/verify-implementation.ts';

/** What tables and results say about a row whether or not it was timed. */
export interface RowIdentity {
  readonly implementation: string;
  readonly runtime?: string;
  readonly language: string;
  readonly technique: string;
  readonly precision: Precision;
  readonly threads: number;
}

/** Why a row has no time. */
export type Refusal = Pick<RefusedRow, 'status' | 'reason'>;

/** What a row was made of. */
export type Origin = Pick<VerifiedRow, 'sourceHash' | 'tools' | 'build'>;

/** One implementation as the schedule sees it: something to start, and a way to tell whether it is right. */
export interface Contender {
  readonly identity: RowIdentity;
  readonly origin: Origin;
  readonly roles: readonly Role[];
  /** Everything that can be checked without timing. */
  readonly admit?: (signal: AbortSignal) => Promise<VerifiedLosses | Refusal>;
  /** Starts a fresh process. Rejects with an `ImplementationFailure` or an `UnsupportedTask`. */
  readonly start: (signal: AbortSignal) => Promise<TrainerProcess>;
  /** Compares the losses of a run with the reference's, from step 0 on. */
  readonly verify: (losses: Float64Array) => LossVerdict;
}

/** How a contender is started and checked. */
export interface ContenderOptions {
  readonly signal: AbortSignal;
  readonly replyTimeoutMilliseconds?: number | undefined;
  /** How long its steps may be checked before it is timed. */
  readonly budgetSeconds: number;
  /** Random tasks are part of its admission: of this seed, or of one drawn afresh. */
  readonly gauntletSeed?: number | undefined;
  /** Told what begins and may take long: `building rust (cargo)`. */
  readonly onStage?: ((text: string) => void) | undefined;
  /** Told how it goes on while it is verified: `rust: step 12 of 40`. */
  readonly onStatus?: ((text: string) => void) | undefined;
}

/** An implementation as a contender for one task: admitted after every check that needs no timing, lap by lap held against the reference. */
export async function contenderOf(
  entrant: Entrant,
  expectation: Expectation,
  options: ContenderOptions,
): Promise<Contender> {
  const { implementation, runtimeName, runtime } = entrant;
  const { language, technique, precision, roles } = implementation.manifest;
  return {
    identity: {
      implementation: implementation.name,
      ...(runtimeName === undefined ? {} : { runtime: runtimeName }),
      language,
      technique,
      precision,
      threads: threadsHere(implementation.manifest),
    },
    origin: await originOf(entrant),
    roles,
    admit: async (signal) =>
      admissionOf(
        await verifyImplementation(implementation, expectation, {
          gauntletSeed: randomInt(GAUNTLET_SEEDS),
          ...options,
          runtime,
          signal,
          onBuild: (program) => options.onStage?.(`building ${implementation.name} (${program})`),
          onProgress: (done) =>
            options.onStatus?.(`${implementation.name}: step ${done} of ${expectation.reference.losses.length}`),
        }),
        precision,
      ),
    start: (signal) => startTrainer(implementation, expectation.task, { ...options, runtime, signal }),
    verify: (losses) =>
      verifyLosses(expectation.reference.losses, losses, baseTolerance[precision], expectation.calmSteps[precision]),
  };
}

async function originOf({ implementation, runtimeName }: Entrant): Promise<Origin> {
  const here = await availability(implementation, runtimeName);
  const build = implementation.manifest.build?.command;
  return {
    sourceHash: await folderHash(implementation.folder),
    tools: here.available ? { ...here.versions } : {},
    ...(build === undefined ? {} : { build: [...build] }),
  };
}

function admissionOf(verification: Verification, precision: Precision): VerifiedLosses | Refusal {
  switch (verification.status) {
    case 'verified':
      return verification;
    case 'mismatch':
      return {
        status: 'mismatch',
        reason: [verification.reason, ...diagnoseMismatch(verification, precision)].join('; '),
      };
    default:
      return { status: verification.status, reason: verification.reason };
  }
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
