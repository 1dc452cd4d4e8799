import { runningMilliseconds, runningTimeout } from '../program/running-clock.ts';

/** Of the whole run: what one row may take of it alone. */
const MOST_FOR_ONE_ROW = 0.5;

/** Why a row was ended: it took more than its share of the run. */
export class OutOfTime extends Error {
  override readonly name = 'OutOfTime';
}

/** What one row was allowed, and has used. */
interface Account {
  readonly end: AbortController;
  /** Aborted by `end`, and by the end of the run. */
  readonly signal: AbortSignal;
  spentMilliseconds: number;
}

/**
 * The time that a whole run has, and each of its rows, by the harness's clock: whatever a row does, says or sleeps, it ends.
 * Timers, not checks between words: a row that keeps a word waiting is ended in the middle of it.
 */
export class TimeBudget {
  /** Aborted when the caller's signal is, or when the time of the whole run is over. */
  readonly signal: AbortSignal;
  readonly #over: AbortController;
  readonly #rowMilliseconds: number;
  readonly #accounts = new Map<unknown, Account>();
  readonly #stopWaiting: () => void;

  /** @param milliseconds until everything ends; undefined for a run without an end of its own */
  constructor(milliseconds: number | undefined, signal: AbortSignal) {
    this.#over = new AbortController();
    this.signal = AbortSignal.any([signal, this.#over.signal]);
    this.#rowMilliseconds = MOST_FOR_ONE_ROW * (milliseconds ?? Number.POSITIVE_INFINITY);
    this.#stopWaiting =
      milliseconds === undefined
        ? () => {}
        : runningTimeout(() => {
            this.#over.abort(new OutOfTime(`the time of the run was over after ${inSeconds(milliseconds)}`));
          }, milliseconds);
  }

  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Ends with {@link OutOfTime}, the same for all of a row's work; `signal` of the run where that ends first. */
  signalOf(row: unknown): AbortSignal {
    return this.#accountOf(row).signal;
  }

  /**
   * Does a row's work on its account.
   * @throws OutOfTime where the row has used its share, whatever the work made of that
   */
  async spend<T>(row: unknown, work: () => Promise<T>): Promise<T> {
    const account = this.#accountOf(row);
    const began = runningMilliseconds();
    const left = this.#rowMilliseconds - account.spentMilliseconds;
    const stopWaiting = runningTimeout(() => account.end.abort(this.#used()), left);
    try {
      const result = await work();
      account.end.signal.throwIfAborted();
      return result;
    } catch (error) {
      account.end.signal.throwIfAborted();
      throw error;
    } finally {
      stopWaiting();
      account.spentMilliseconds += runningMilliseconds() - began;
    }
  }

  /** Lets the process end. */
  close(): void {
    this.#stopWaiting();
  }

  #accountOf(row: unknown): Account {
    const known = this.#accounts.get(row);
    if (known !== undefined) return known;
    const end = new AbortController();
    const account = { end, signal: AbortSignal.any([this.signal, end.signal]), spentMilliseconds: 0 };
    this.#accounts.set(row, account);
    return account;
  }

  #used(): OutOfTime {
    return new OutOfTime(`took ${inSeconds(this.#rowMilliseconds)}, half of the run; --budget gives it longer`);
  }
}

function inSeconds(milliseconds: number): string {
  return `${Number((milliseconds / 1000).toPrecision(3))} s`;
}
