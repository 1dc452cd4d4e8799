import { runningMilliseconds, runningTimeout } from '../program/running-clock.ts';

/** The largest share of the rounds' time for one row. */
const MOST_FOR_ONE_ROW = 0.5;

/** A row took more than its share of the time. */
export class OutOfTime extends Error {
  override readonly name = 'OutOfTime';
}

interface Account {
  readonly end: AbortController;
  /** Aborted by `end`, and by the end of the rounds. */
  readonly signal: AbortSignal;
  spentMilliseconds: number;
}

/**
 * Limits the time of each row's verification, then that of all rounds and of each row in them, by the harness's clock. It uses timers
 * and does not wait for an answer: a row that answers too late is ended in the middle of a word.
 */
export class TimeBudget {
  /** Aborted with the caller's signal, and at the end of the rounds. */
  readonly signal: AbortSignal;
  readonly #over: AbortController;
  readonly #roundsMilliseconds: number;
  #roundsBegan: number | undefined;
  #shareOf: (row: unknown) => number;
  #advice = 'the most for its verification; --timeout gives it longer';
  readonly #accounts = new Map<unknown, Account>();
  #stopWaiting: () => void = () => {};

  /** @param limits milliseconds for the verification of each row, and from the start of the rounds to the end of everything */
  constructor(limits: { readonly verification?: number; readonly rounds?: number | undefined }, signal: AbortSignal) {
    this.#over = new AbortController();
    this.signal = AbortSignal.any([signal, this.#over.signal]);
    this.#shareOf = () => limits.verification ?? Number.POSITIVE_INFINITY;
    this.#roundsMilliseconds = limits.rounds ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Starts the time of the rounds.
   * @param needs milliseconds that each row needs at least: a row gets no less than that if there is as much for all
   * @param fewestMilliseconds for so many rows, however fast they are: the rounds get no less than that
   */
  startRounds(needs: ReadonlyMap<unknown, number>, fewestMilliseconds = 0): void {
    this.#roundsBegan = runningMilliseconds();
    const most = Math.max(this.#roundsMilliseconds, fewestMilliseconds);
    const fits = [...needs.values()].reduce((sum, own) => sum + own, 0) <= most;
    this.#shareOf = (row) => Math.max(MOST_FOR_ONE_ROW * most, fits ? (needs.get(row) ?? 0) : 0);
    this.#advice = 'half of the time for the rounds; --budget gives it longer';
    for (const account of this.#accounts.values()) account.spentMilliseconds = 0;
    if (!Number.isFinite(most)) return;
    this.#stopWaiting = runningTimeout(() => {
      this.#over.abort(new OutOfTime(`the time of the rounds was over after ${inSeconds(most)}`));
    }, most);
  }

  /** Since the first round. */
  get elapsedMilliseconds(): number {
    return this.#roundsBegan === undefined ? 0 : runningMilliseconds() - this.#roundsBegan;
  }

  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Aborted with {@link OutOfTime} when the row's time is over, or with the run's signal. */
  signalOf(row: unknown): AbortSignal {
    return this.#accountOf(row).signal;
  }

  /** Does a row's work and counts its time. @throws OutOfTime if the row has used its share, whether the work succeeds or fails */
  async spend<T>(row: unknown, work: () => Promise<T>): Promise<T> {
    const account = this.#accountOf(row);
    const began = runningMilliseconds();
    const share = this.#shareOf(row);
    const used = new OutOfTime(`took ${inSeconds(share)}, ${this.#advice}`);
    const stopWaiting = runningTimeout(() => account.end.abort(used), share - account.spentMilliseconds);
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

  /** Stops the timer, so that the process can end. */
  [Symbol.dispose](): void {
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
}

function inSeconds(milliseconds: number): string {
  return `${Number((milliseconds / 1000).toPrecision(3))} s`;
}
