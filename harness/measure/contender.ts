import { randomInt } from 'node:crypto';
import type { TrainingTask } from '../../impls/contract.ts';
import { diagnoseMismatch } from '../diagnose/diagnose.ts';
import { availability } from '../program/availability.ts';
import { builtCommand } from '../program/build.ts';
import type { Implementation } from '../program/discover.ts';
import { ImplementationFailure } from '../program/implementation-failure.ts';
import { changedSource, hashOfSources, sourceHashes } from '../program/implementation-hash.ts';
import { threadsHere } from '../program/manifest.ts';
import { workWithin } from '../program/process-usage.ts';
import { type Role, rolesOf } from '../program/roles.ts';
import { startTrainer, type TrainerOptions, type TrainerProcess } from '../program/trainer-process.ts';
import type { RefusedRow, RowIdentity, VerifiedRow } from '../results/schema.ts';
import { GAUNTLET_SEEDS } from '../task/gauntlet.ts';
import type { Expectation } from '../verify/expectation.ts';
import { type LapsVerdict, type TimedLap, verifyTimedLaps } from '../verify/timed-laps.ts';
import { verifyImplementation } from '../verify/verify-implementation.ts';
import { watchIdle } from './idle-watch.ts';

export type Refusal = Pick<RefusedRow, 'status' | 'reason'>;

/** What is known of a row before it is timed. */
export interface Admission extends Pick<VerifiedRow, 'build'> {
  readonly status: 'verified';
  readonly stepsVerified: number;
  /** A forecast, good enough to share out time. */
  readonly nanosecondsPerStep: number;
  /** For these sizes, if not in a cache. */
  readonly buildNanoseconds?: number | undefined;
}

/** Checked from the row's own state: all of one lap, and so many more. */
export interface ForcedSteps {
  readonly wholeLap: boolean;
  readonly extraSteps: number;
}

/** A second process of a row, which repeats what was timed, to be checked. */
export interface Witness {
  /** @throws WrongLaps if the laps are not right */
  check(laps: readonly TimedLap[], forced: ForcedSteps): Promise<Extract<LapsVerdict, { readonly status: 'verified' }>>;
  quit(): Promise<void>;
}

/** One row to admit, to start and to check. */
export interface Contender {
  readonly identity: RowIdentity;
  readonly origin: Pick<VerifiedRow, 'sourceHash' | 'tools'>;
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

export interface ContenderOptions extends Pick<TrainerOptions, 'runtime' | 'replyTimeoutMilliseconds' | 'signal'> {
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
  implementation: Implementation,
  expectation: Expectation,
  options: ContenderOptions,
): Promise<Contender> {
  const { name, folder, manifest } = implementation;
  const { language, technique, precision } = manifest;
  const { training } = expectation.task;
  const { runtime } = options;
  const sources = await sourceHashes(folder);
  const here = await availability(implementation, runtime, options.signal);
  const start = async (signal: AbortSignal) => {
    const trainer = await startTrainer(implementation, expectation.task, { ...options, signal });
    const changed = await changedSource(folder, sources);
    if (changed === undefined) return trainer;
    await trainer.quit();
    throw new ImplementationFailure(
      folder,
      `${changed} was changed during the run, so that its times would be of two versions`,
      'leave its files alone and run again',
    );
  };
  return {
    identity: {
      implementation: name,
      ...(runtime === undefined ? {} : { runtime }),
      language,
      technique,
      precision,
      threads: threadsHere(manifest),
    },
    origin: { sourceHash: hashOfSources(sources), tools: here.available ? { ...here.versions } : {} },
    roles: rolesOf(implementation),
    isHosted: 'module' in manifest.run,
    start,
    witness: (signal, running) => {
      let trainer = running;
      let idleFault = running && watchIdle(running);
      return {
        check: async (laps, forced) => {
          const fault = idleFault?.();
          if (fault !== undefined) throw new WrongLaps(fault);
          trainer ??= await start(signal);
          // It lives as long as the race does, for an interpreter may take seconds to start.
          const lent = { ...trainer, quit: async () => {} };
          const verdict = await verifyTimedLaps(async () => lent, training, precision, laps, forced);
          idleFault = watchIdle(trainer);
          if (verdict.status === 'verified') return verdict;
          throw new WrongLaps(verdict.reason);
        },
        quit: async () => trainer?.quit(),
      };
    },
    admit: async (signal, keep) => {
      const verification = await verifyImplementation(implementation, expectation, {
        gauntletSeed: randomInt(GAUNTLET_SEEDS),
        ...options,
        signal,
        onBuild: (program) => options.onStage?.(`building ${name} (${program})`),
        onProgress: (done) => options.onStatus?.(`${name}: step ${done} of ${expectation.reference.losses.length}`),
        afterwards: async (trainer) => ({
          nanosecondsPerStep: await timeStep(trainer, training, options.scoutMilliseconds),
          buildNanoseconds: trainer.buildNanoseconds,
        }),
        keep,
      });
      if (verification.status === 'mismatch') {
        const reasons = [verification.reason, ...diagnoseMismatch(verification, precision)];
        return { status: verification.status, reason: reasons.join('; ') };
      }
      if (verification.status !== 'verified') return { status: verification.status, reason: verification.reason };
      const { stepsVerified, after } = verification;
      const build = await builtCommand(implementation);
      return {
        status: 'verified',
        stepsVerified,
        ...after,
        ...(build === undefined ? {} : { build: [...build] }),
      };
    },
  };
}

/** What was timed is not what a right row does, or its time is not true. */
export class WrongLaps extends Error {
  override readonly name = 'WrongLaps';
}

/** Of the time that scouting may take, for a row that waits for a processor most of the time. */
const SCOUT_PATIENCE = 4;

/**
 * How long a step takes by the harness's clock, without what was waited for a processor: on a busy machine laps would else get too
 * short to show a lie. From stretches of doubling length, because just-in-time compilers do most of their work in the first ones.
 * Leaves the trainer somewhere in its schedule.
 */
async function timeStep(trainer: TrainerProcess, { numSteps }: TrainingTask, budgetMilliseconds: number) {
  const budget = budgetMilliseconds * 1e6;
  let nanosecondsPerStep = Number.POSITIVE_INFINITY;
  let [worked, elapsed] = [0, 0];
  for (let steps = 1; steps <= numSteps; steps *= 2) {
    await trainer.reset(0);
    const before = trainer.schedulerTimes();
    await trainer.train(steps);
    const wall = trainer.wordNanoseconds();
    const work = workWithin(wall, before, trainer.schedulerTimes());
    nanosecondsPerStep = Math.min(nanosecondsPerStep, work / steps);
    worked += work;
    elapsed += wall;
    if (worked + 2 * work > budget || elapsed + 2 * wall > SCOUT_PATIENCE * budget) break;
  }
  return nanosecondsPerStep;
}
