import { type Entry, identityOf, type RaceEvent, type RoundLimit } from '../measure/race.ts';
import { formatUncertainty } from '../present/number-format.ts';
import { rowName } from '../results/names.ts';
import type { Progress } from './progress.ts';

/** Says what happens in a race, and how long it may still take. */
export class RaceReporter {
  readonly #progress: Progress;
  readonly #limit: RoundLimit;
  readonly #now: () => number;
  #roundsBegan: number | undefined;

  /** @param now monotonic clock, in milliseconds */
  constructor(progress: Progress, limit: RoundLimit, now: () => number = () => performance.now()) {
    this.#progress = progress;
    this.#limit = limit;
    this.#now = now;
  }

  report(event: RaceEvent, entries: readonly Entry[]): void {
    switch (event.kind) {
      case 'verifying':
        this.#progress.stage(`verifying ${nameOf(entries[event.entry])} (${event.entry + 1} of ${entries.length})`);
        break;
      case 'verified':
        this.#progress.milestone(describe(entries[event.entry]));
        break;
      case 'sampling':
        this.#roundsBegan ??= this.#now();
        this.#progress.status(`round ${event.round + 1}: ${nameOf(entries[event.entry])}`);
        break;
      case 'checking':
        this.#progress.status(`round ${event.round + 1}: checking ${nameOf(entries[event.entry])}`);
        break;
      case 'round': {
        const width = Number.isFinite(event.widest) ? `, widest interval ${formatUncertainty(event.widest)}` : '';
        this.#progress.milestone(`round ${event.round + 1} done${width}${this.#timeLeft(event.round + 1)}`);
      }
    }
  }

  #timeLeft(roundsDone: number): string {
    if (this.#roundsBegan === undefined) return '';
    const spent = this.#now() - this.#roundsBegan;
    const limit = this.#limit;
    const roundsLeft = (most: number) => ((most - roundsDone) * spent) / roundsDone;
    const left =
      'rounds' in limit
        ? roundsLeft(limit.rounds)
        : Math.min(limit.budgetMilliseconds - spent, roundsLeft(limit.mostRounds ?? Number.POSITIVE_INFINITY));
    const seconds = Math.round(left / 1000);
    return seconds < 1 ? '' : `, ${'rounds' in limit ? 'about' : 'at most'} ${seconds} s left`;
  }
}

function describe(entry: Entry): string {
  switch (entry.state) {
    case 'racing':
      return `${nameOf(entry)}: ${entry.admission.stepsVerified} steps verified`;
    case 'refused':
      return `${nameOf(entry)}: ${entry.refusal.status}: ${entry.refusal.reason}`;
    case 'waiting':
      return nameOf(entry);
  }
}

function nameOf(entry: Entry): string {
  return rowName(identityOf(entry));
}
