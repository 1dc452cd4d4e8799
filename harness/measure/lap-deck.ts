import type { TrainingTask } from '../../impls/contract.ts';
import { PythonRandom } from '../task/python-random.ts';
import { UsageError } from '../usage-error.ts';

/** With fewer documents there are too few laps: no two may begin with the same document. */
const FEWEST_DOCUMENTS = 64;
/** Of so many laps, the one whose documents are nearest to the average length is taken next. */
const CANDIDATES = 32;

/** The first document of the n-th timed lap of a round; undefined if no document is left. */
export type LapOf = (n: number) => number | undefined;

/**
 * Hands out first documents of laps, each once. A random half of all documents is for timed laps, the other half for warm-up. So a
 * row knows neither where the next lap begins nor whether it counts.
 */
export class LapDeck {
  readonly #task: TrainingTask;
  readonly #timed: number[];
  readonly #warmUp: number[];
  #warmUpsTaken = 0;
  /** `[documents + 1]`: positions in all documents before this one. */
  readonly #positionsBefore: Float64Array;
  readonly #repeated: readonly (readonly number[])[];

  /**
   * @param seed must be unknown before the run
   * @param repeated first documents of another run, round by round, to be handed out again
   * @param used first documents of another run that are not handed out, because a row could have kept their losses
   * @throws UsageError if there are too few documents
   */
  constructor(
    task: TrainingTask,
    seed: number,
    repeated: readonly (readonly number[])[] = [],
    used: readonly number[] = [],
  ) {
    const documents = task.offsets.length - 1;
    if (documents < FEWEST_DOCUMENTS) {
      throw new UsageError(
        `the data set has ${documents} documents; timing needs at least ${FEWEST_DOCUMENTS}, for no two laps may begin with the same one`,
      );
    }
    this.#task = task;
    this.#repeated = repeated;
    const order = Array.from({ length: documents }, (_, document) => document);
    new PythonRandom(seed).shuffle(order);
    const half = Math.ceil(documents / 2);
    const again = new Set([...repeated.flat(), ...used]);
    this.#timed = order.slice(0, half).filter((document) => !again.has(document));
    this.#warmUp = order.slice(half).filter((document) => !again.has(document));
    this.#positionsBefore = new Float64Array(documents + 1);
    for (let d = 0; d < documents; d++) {
      this.#positionsBefore[d + 1] = this.#positionsBefore[d] + task.offsets[d + 1] - task.offsets[d] - 1;
    }
  }

  /** The first document of the next warm-up lap. They repeat after all were taken. */
  warmUp(): number {
    return this.#warmUp[this.#warmUpsTaken++ % this.#warmUp.length];
  }

  /**
   * The timed laps of a round, the same for all rows, and what was taken of them so far.
   * @param lengths the steps of a lap, for each row
   */
  round(round: number, lengths: readonly number[]): { readonly lapOf: LapOf; readonly taken: readonly number[] } {
    const taken: number[] = [];
    const lapOf: LapOf = (n) => {
      while (taken.length <= n) {
        const next = this.#repeated[round]?.[taken.length] ?? this.#takeAverage(lengths);
        if (next === undefined) return undefined;
        taken.push(next);
      }
      return taken[n];
    };
    return { lapOf, taken };
  }

  get isEmpty(): boolean {
    return this.#timed.length === 0;
  }

  get averagePositions(): number {
    return this.#positionsBefore[this.#positionsBefore.length - 1] / (this.#positionsBefore.length - 1);
  }

  /** Positions in steps `from` … `to - 1` of a lap: those from 1 on are timed. */
  positions(firstDocument: number, from: number, to: number): number {
    const { batch } = this.#task;
    const documents = this.#positionsBefore.length - 1;
    const all = this.#positionsBefore[documents];
    const upTo = (document: number) =>
      Math.floor(document / documents) * all + this.#positionsBefore[document % documents];
    return upTo(firstDocument + to * batch) - upTo(firstDocument + from * batch);
  }

  #takeAverage(lengths: readonly number[]): number | undefined {
    const candidates = this.#timed.slice(-CANDIDATES);
    if (candidates.length === 0) return undefined;
    const costs = candidates.map((document) => this.#distanceFromAverage(document, lengths));
    const [best] = this.#timed.splice(this.#timed.length - candidates.length + costs.indexOf(Math.min(...costs)), 1);
    return best;
  }

  #distanceFromAverage(document: number, lengths: readonly number[]): number {
    const { batch } = this.#task;
    return Math.max(
      ...lengths.map((steps) => {
        const documents = (steps - 1) * batch;
        const excess = this.positions(document, 1, steps) / documents / this.averagePositions - 1;
        // The more documents a sum has, the nearer it is to the average anyway.
        return Math.abs(excess) * Math.sqrt(documents);
      }),
    );
  }
}
