import { randomInt } from 'node:crypto';
import type { TrainingTask } from '../../impls/contract.ts';
import { diagnoseMismatch } from '../diagnose/diagnose.ts';
import { availability, type Entrant } from '../program/availability.ts';
import { builtCommand } from '../program/build.ts';
import { ImplementationFailure } from '../program/implementation-failure.ts';
import { changedSource, hashOfSources, sourceHashes } from '../program/implementation-hash.ts';
import { type Precision, threadsHere } from '../program/manifest.ts';
import { type Role, rolesOf } from '../program/roles.ts';
import { startTrainer, type TrainerProcess } from '../program/trainer-process.ts';
import type { RefusedRow, VerifiedRow } from '../results/schema.ts';
import { GAUNTLET_SEEDS } from '../task/gauntlet.ts';
import type { Expectation } from '../verify/expectation.ts';
import { type LapsVerdict, type TimedLap, verifyTimedLaps } from '../verify/timed-laps.ts';
import { type Verification, verifyImplementation } from '../verify/verify-implementation.ts';

/** What results say of every row, timed or not. */
export interface RowIdentity {
  readonly implementation: string;
  readonly runtime?: string;
  readonly language: string;
  readonly technique: string;
  readonly precision: Precision;
  readonly threads: number;
}

export type Refusal = Pick<RefusedRow, 'status' | 'reason'>;

type Origin = Pick<VerifiedRow, 'sourceHash' | 'tools'>;

/** What is known of a row before it is timed. */
export type Admission = { readonly status: 'verified'; readonly stepsVerified: number } & StepCost &
  Pick<VerifiedRow, 'build'>;

/** Checked from the row's own state: all of one lap, and so many more. */
export interface ForcedSteps {
  readonly wholeLap: boolean;
  readonly extraSteps: number;
}

/** A second process of a row, which repeats what was timed, to be checked. */
export interface Witness {
  check(laps: readonly TimedLap[], forced: ForcedSteps): Promise<LapsVerdict>;
  quit(): Promise<void>;
}

/** One row to admit, to start and to check. */
export interface Contender {
  readonly identity: RowIdentity;
  readonly origin: Origin;
  readonly roles: readonly Role[];
  /** In a runtime whose widest SIMD is 128 bits. */
  readonly isHosted: boolean;
  /** Checks everything that needs no timing, and how long a step takes. `keep` gets the process, if all was well. */
  readonly admit: (signal: AbortSignal, keep?: (trainer: TrainerProcess) => void) => Promise<Admission | Refusal>;
  /** A fresh process. Rejects with an `ImplementationFailure` or an `UnsupportedTask`. */
  readonly start: (signal: AbortSignal) => Promise<TrainerProcess>;
  /** @param trainer the process to do it in; a fresh one by default */
  readonly witness: (signal: AbortSignal, trainer?: TrainerProcess) => Witness;
}

export interface ContenderOptions {
  readonly signal: AbortSignal;
  readonly replyTimeoutMilliseconds?: number | undefined;
  /** For checking steps before the row is timed. */
  readonly budgetSeconds: number;
  /** Of the random tasks; drawn afresh by default. */
  readonly gauntletSeed?: number | undefined;
  /** What begins and may take long: `building rust (cargo)`. */
  readonly onStage?: ((text: string) => void) | undefined;
  /** Progress of verification: `rust: step 12 of 40`. */
  readonly onStatus?: ((text: string) => void) | undefined;
  /** For finding out how long a step takes. */
  readonly scoutMilliseconds: number;
}

export async function contenderOf(
  entrant: Entrant,
  expectation: Expectation,
  options: ContenderOptions,
): Promise<Contender> {
  const { implementation, runtimeName, runtime } = entrant;
  const { language, technique, precision } = implementation.manifest;
  const { training } = expectation.task;
  const sources = await sourceHashes(implementation.folder);
  const start = async (signal: AbortSignal) => {
    const trainer = await startTrainer(implementation, expectation.task, { ...options, runtime, signal });
    const changed = await changedSource(implementation.folder, sources);
    if (changed === undefined) return trainer;
    await trainer.quit();
    throw new ImplementationFailure(
      implementation.folder,
      `${changed} was changed during the run, so that its times would be of two versions`,
      'leave its files alone and run again',
    );
  };
  return {
    identity: {
      implementation: implementation.name,
      ...(runtimeName === undefined ? {} : { runtime: runtimeName }),
      language,
      technique,
      precision,
      threads: threadsHere(implementation.manifest),
    },
    origin: await originOf(entrant, sources),
    roles: rolesOf(implementation),
    isHosted: 'module' in implementation.manifest.run,
    start,
    witness: (signal, trainer) => witnessOf(() => start(signal), training, precision, trainer),
    admit: async (signal, keep) => {
      let cost: StepCost | undefined;
      const verification = await verifyImplementation(implementation, expectation, {
        gauntletSeed: randomInt(GAUNTLET_SEEDS),
        ...options,
        runtime,
        signal,
        onBuild: (program) => options.onStage?.(`building ${implementation.name} (${program})`),
        onProgress: (done) =>
          options.onStatus?.(`${implementation.name}: step ${done} of ${expectation.reference.losses.length}`),
        afterwards: async (trainer) => {
          cost = await stepCost(trainer, training, options.scoutMilliseconds);
        },
        keep,
      });
      const build = await builtCommand(implementation);
      const admission = admissionOf(verification, cost, precision);
      return admission.status === 'verified' && build !== undefined ? { ...admission, build: [...build] } : admission;
    },
  };
}

async function originOf(
  { implementation, runtimeName }: Entrant,
  sources: ReadonlyMap<string, string>,
): Promise<Origin> {
  const here = await availability(implementation, runtimeName);
  return {
    sourceHash: hashOfSources(sources),
    tools: here.available ? { ...here.versions } : {},
  };
}

function admissionOf(
  verification: Verification,
  cost: StepCost | undefined,
  precision: Precision,
): Admission | Refusal {
  switch (verification.status) {
    case 'verified':
      if (cost === undefined || verification.stepsVerified === 0) {
        return { status: 'error', reason: 'verified over 0 steps: what was not checked is not timed' };
      }
      return { status: 'verified', stepsVerified: verification.stepsVerified, ...cost };
    case 'mismatch':
      return {
        status: 'mismatch',
        reason: [verification.reason, ...diagnoseMismatch(verification, precision)].join('; '),
      };
    default:
      return { status: verification.status, reason: verification.reason };
  }
}

/** What was timed is not what a right row does, or its time is not true. */
export class WrongLaps extends Error {
  override readonly name = 'WrongLaps';
}

/** @throws WrongLaps if the laps are not right */
export async function requireRight(witness: Witness, laps: readonly TimedLap[], forced: ForcedSteps) {
  const verdict = await witness.check(laps, forced);
  if (verdict.status === 'verified') return verdict;
  throw new WrongLaps(verdict.reason);
}

/** It lives as long as the race does, for an interpreter may take seconds to start. */
function witnessOf(
  start: () => Promise<TrainerProcess>,
  task: TrainingTask,
  precision: Precision,
  running?: TrainerProcess,
): Witness {
  let trainer = running;
  return {
    check: async (laps, forced) => {
      trainer ??= await start();
      const { reset, train, parameters } = trainer;
      const lent = { reset, train, parameters, quit: async () => {} };
      return verifyTimedLaps(async () => lent, task, precision, laps, forced);
    },
    quit: async () => trainer?.quit(),
  };
}

/** A forecast, good enough to share out time. */
interface StepCost {
  readonly nanosecondsPerStep: number;
  /** For these sizes, if not in a cache. */
  readonly buildNanoseconds?: number;
}

/**
 * How long a step takes by the harness's clock, from stretches of doubling length: just-in-time compilers do most of their work
 * in the first ones. Leaves the trainer somewhere in its schedule.
 */
async function stepCost(
  trainer: TrainerProcess,
  { numSteps }: TrainingTask,
  budgetMilliseconds: number,
): Promise<StepCost> {
  let nanosecondsPerStep = Number.POSITIVE_INFINITY;
  let spent = 0;
  for (let steps = 1; steps <= numSteps; steps *= 2) {
    await trainer.reset(0);
    await trainer.train(steps);
    const elapsed = trainer.wordNanoseconds();
    nanosecondsPerStep = Math.min(nanosecondsPerStep, elapsed / steps);
    spent += elapsed;
    if (spent + 2 * elapsed > budgetMilliseconds * 1e6) break;
  }
  return {
    nanosecondsPerStep,
    ...(trainer.buildNanoseconds === undefined ? {} : { buildNanoseconds: trainer.buildNanoseconds }),
  };
}
