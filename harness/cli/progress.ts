import { Listr, ListrLogger, ProcessOutput } from 'listr2';
import { type Entry, identityOf, isRacing, type RaceEvent, type RoundLimit } from '../measure/race.ts';
import { formatUncertainty } from '../present/number-format.ts';
import { rowName } from '../results/names.ts';

export interface Progress {
  /** What happens this moment: shown in place on a terminal, and nowhere else. */
  readonly status: (text: string) => void;
  /** What begins and may take a while: shown in place on a terminal, a line of its own elsewhere. */
  readonly stage: (text: string) => void;
  /** What happened: a line of its own if output is not a terminal. */
  readonly milestone: (text: string) => void;
}

/** Runs `work` and shows its progress on standard error: one live line on a terminal, plain lines elsewhere. */
export async function withProgress<T>(title: string, work: (progress: Progress) => Promise<T>): Promise<T> {
  const isLive = process.stderr.isTTY === true && process.env['CI'] === undefined;
  if (!isLive) {
    const line = (text: string) => process.stderr.write(`${title}: ${text}\n`);
    return work({ status: () => undefined, stage: line, milestone: line });
  }
  const results: T[] = [];
  const list = new Listr(
    {
      title,
      task: async (_, task) => {
        results.push(
          await work({
            status: (text) => {
              task.output = text;
            },
            stage: (text) => {
              task.output = text;
            },
            milestone: (text) => {
              task.title = `${title}: ${text}`;
            },
          }),
        );
      },
    },
    {
      // The command itself handles Ctrl-C: it keeps what was measured.
      registerSignalListeners: false,
      rendererOptions: {
        clearOutput: true,
        removeEmptyLines: false,
        logger: new ListrLogger({ processOutput: new ProcessOutput(process.stderr, process.stderr) }),
      },
    },
  );
  await list.run();
  return results[0];
}

/** One line on standard error that is written over; nothing if that is not a terminal. */
interface StatusLine {
  show(text: string): void;
  clear(): void;
}

export function statusLine(stream: NodeJS.WriteStream = process.stderr): StatusLine {
  if (!stream.isTTY) return { show: () => {}, clear: () => {} };
  const clearLine = '\r\u001b[K';
  let shown = false;
  return {
    show: (text) => {
      shown = true;
      stream.write(clearLine + text.slice(0, stream.columns - 1));
    },
    clear: () => {
      if (shown) stream.write(clearLine);
      shown = false;
    },
  };
}

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
  if (isRacing(entry)) return `${nameOf(entry)}: ${entry.admission.stepsVerified} steps verified`;
  return entry.status === 'waiting' ? nameOf(entry) : `${nameOf(entry)}: ${entry.status}: ${entry.reason}`;
}

function nameOf(entry: Entry): string {
  return rowName(identityOf(entry));
}
