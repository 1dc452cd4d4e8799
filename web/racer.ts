import { documentsOf } from '../harness/task/documents.ts';
import { presets, taskDefaults } from '../harness/task/presets.ts';
import { drawSamples } from '../harness/task/sample.ts';
import type { PreparedTask } from '../harness/task/task.ts';
import { taskOfDataset } from '../harness/task/task-of-dataset.ts';
import { forceSteps } from '../harness/verify/force-steps.ts';
import { Teacher } from '../harness/verify/teacher.ts';
import type { CreateTrainer, Trainer } from '../impls/contract.ts';
import type { Precision, RaceTask, TurnReport } from './messages.ts';

/** Steps are timed in stretches of this length: much longer than the clock's resolution, much shorter than a turn. */
const STRETCH_MILLISECONDS = 4;
const NAMES = 10;
/** Turns before a time is shown. In the first ones compilers still work. */
const FEWEST_TURNS = 5;
/** Turns that are enough for a sure median. */
const ENOUGH_TURNS = 25;

/** The task as the harness makes it, from documents in memory. @throws {UsageError} if they cannot be trained on */
export function prepareRace({ preset, steps, dataset }: RaceTask): PreparedTask {
  const { seed, learningRate } = taskDefaults;
  const request = { preset, ...presets[preset], seed, learningRate, numSteps: steps, dataset: dataset.name };
  const { name, text } = dataset;
  // Path and hash are not used here.
  return taskOfDataset(request, { name, path: name, sha256: '', documents: documentsOf(text) });
}

/**
 * One row of the race. Its trainer runs laps of the same steps again and again, and is timed. A second trainer of the same
 * implementation, the witness, repeats the first lap; the harness's teacher checks it step by step. So every timed
 * step is verified: its loss equals that of the first lap and that of the witness, to the last bit.
 */
export class Racer {
  readonly #task: PreparedTask;
  readonly #trainer: Trainer;
  readonly #witness: Trainer;
  readonly #now: () => number;
  readonly #steps: number;
  /** Losses of the first lap, as far as it is trained. */
  readonly #losses: number[] = [];
  #step = 0;
  #stretch = 1;
  readonly #slices: number[] = [];
  #stepsVerified = 0;
  #wrong: string | undefined;
  #fractionOfBound: number | undefined;
  #names: readonly string[] | undefined;
  #verifyUntil = Number.NEGATIVE_INFINITY;
  #resume: () => void = () => {};
  #paused: () => void = () => {};

  /** @param now the milliseconds of a monotonic clock */
  static async create(
    createTrainer: CreateTrainer,
    task: PreparedTask,
    precision: Precision,
    now: () => number = () => performance.now(),
  ): Promise<Racer> {
    const [trainer, witness] = [await createTrainer(task.training), await createTrainer(task.training)];
    return new Racer(task, trainer, witness, precision, now);
  }

  private constructor(task: PreparedTask, trainer: Trainer, witness: Trainer, precision: Precision, now: () => number) {
    this.#task = task;
    this.#trainer = trainer;
    this.#witness = witness;
    this.#now = now;
    this.#steps = task.training.numSteps;
    void this.#verify(new Teacher(task.training, precision));
  }

  /** Trains for this time, and then checks for at most the same time. */
  async turn(milliseconds: number): Promise<TurnReport> {
    const from = this.#losses.length;
    this.#train(milliseconds);
    if (!this.#isJudged) {
      this.#verifyUntil = this.#now() + milliseconds;
      const paused = new Promise<void>((resolve) => {
        this.#paused = resolve;
      });
      this.#resume();
      await paused;
    }
    return {
      losses: Float64Array.from(this.#losses.slice(from)),
      ...(this.#slices.length < FEWEST_TURNS ? {} : { microsecondsPerStep: middleOfLaterHalf(this.#slices) }),
      isTimed: this.#slices.length >= ENOUGH_TURNS,
      stepsVerified: this.#stepsVerified,
      ...(this.#wrong === undefined ? {} : { wrong: this.#wrong }),
      ...(this.#fractionOfBound === undefined ? {} : { fractionOfBound: this.#fractionOfBound }),
      ...(this.#names === undefined ? {} : { names: this.#names }),
    };
  }

  get #isJudged(): boolean {
    return this.#wrong !== undefined || this.#fractionOfBound !== undefined;
  }

  /** Trains stretches of a few milliseconds. Each is timed; the work between them is not. */
  #train(milliseconds: number): void {
    const end = this.#now() + milliseconds;
    let spent = 0;
    let trained = 0;
    while (this.#now() < end) {
      const steps = Math.min(this.#stretch, this.#steps - this.#step);
      const start = this.#now();
      const losses = this.#trainer.train(steps);
      const elapsed = this.#now() - start;
      spent += elapsed;
      trained += steps;
      if (elapsed < STRETCH_MILLISECONDS / 2 && steps === this.#stretch) this.#stretch *= 2;
      this.#keep(losses);
    }
    if (trained > 0) this.#slices.push((1000 * spent) / trained);
  }

  #keep(losses: Float64Array): void {
    for (const loss of losses) {
      if (this.#step === this.#losses.length) this.#losses.push(loss);
      else if (!Object.is(loss, this.#losses[this.#step])) {
        this.#wrong ??= `step ${this.#step + 1}: got a loss of ${loss}; the first lap's was ${this.#losses[this.#step]}; every lap must be the same to the last bit`;
      }
      this.#step++;
    }
    if (this.#step < this.#steps) return;
    this.#names ??= drawSamples(this.#task, this.#trainer.parameters(), NAMES);
    this.#trainer.reset(0);
    this.#step = 0;
  }

  /** Runs over all turns. It waits in `train` between turns, and when it has checked all that is trained. */
  async #verify(teacher: Teacher): Promise<void> {
    const witness = this.#witness;
    try {
      const { wrong, fractionOfBound } = await forceSteps(
        {
          reset: async (firstDocument) => witness.reset(firstDocument),
          train: async (steps) => {
            await this.#permission();
            const losses = witness.train(steps);
            if (!Object.is(losses[0], this.#losses[this.#stepsVerified]))
              this.#wrong ??= `step ${this.#stepsVerified + 1}: got a loss of ${this.#losses[this.#stepsVerified]}; a second trainer got ${losses[0]}; both must be the same to the last bit`;
            return { losses };
          },
          parameters: async () => witness.parameters(),
          quit: async () => {},
        },
        teacher,
        this.#steps,
        (step) => {
          this.#stepsVerified = step;
          return this.#wrong === undefined;
        },
      );
      this.#wrong ??= wrong?.reason;
      if (this.#wrong === undefined) this.#fractionOfBound = fractionOfBound;
    } catch (error) {
      this.#wrong = error instanceof Error ? error.message : String(error);
    }
    this.#paused();
  }

  async #permission(): Promise<void> {
    while (this.#now() >= this.#verifyUntil || this.#stepsVerified >= this.#losses.length) {
      this.#verifyUntil = Number.NEGATIVE_INFINITY;
      const resumed = new Promise<void>((resolve) => {
        this.#resume = resolve;
      });
      this.#paused();
      await resumed;
    }
  }
}

/** The median of the later half. In the earlier half the compiler was still at work. */
function middleOfLaterHalf(values: readonly number[]): number {
  const later = values.slice(Math.floor(values.length / 2)).toSorted((a, b) => a - b);
  return later[Math.floor(later.length / 2)];
}
