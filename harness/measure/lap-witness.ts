import type { TrainingTask } from '../../impls/contract.ts';
import type { Precision } from '../program/manifest.ts';
import type { TrainerProcess } from '../program/trainer-process.ts';
import { type LapsVerdict, type TimedLap, verifyTimedLaps } from '../verify/timed-laps.ts';
import type { ForcedSteps, Witness } from './contender.ts';

/** A second process of a row. It lives as long as the race does, for an interpreter may take seconds to start: most often the one that
 * was verified before. */
export class LapWitness implements Witness {
  readonly #start: () => Promise<TrainerProcess>;
  readonly #task: TrainingTask;
  readonly #precision: Precision;
  #trainer: TrainerProcess | undefined;

  constructor(
    start: () => Promise<TrainerProcess>,
    task: TrainingTask,
    precision: Precision,
    trainer?: TrainerProcess | undefined,
  ) {
    this.#start = start;
    this.#task = task;
    this.#precision = precision;
    this.#trainer = trainer;
  }

  async check(laps: readonly TimedLap[], forced: ForcedSteps): Promise<LapsVerdict> {
    this.#trainer ??= await this.#start();
    const { reset, train, parameters } = this.#trainer;
    const lent = { reset, train, parameters, quit: async () => {} };
    return verifyTimedLaps(async () => lent, this.#task, this.#precision, laps, forced);
  }

  async quit(): Promise<void> {
    await this.#trainer?.quit();
  }
}
