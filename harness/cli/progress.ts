import { type Entry, identityOf, isRacing } from '../measure/entry.ts';
import type { RaceEvent } from '../measure/race.ts';
import { FEWEST_PROCESSES, type RoundLimit } from '../measure/round-limit.ts';
import { formatSteps, formatUncertainty } from '../present/number-format.ts';
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
  const { Listr, ListrLogger, ProcessOutput } = await import('listr2');
  const results: T[] = [];
  const list = new Listr(
    {
      title,
      task: async (_, task) => {
        const show = (text: string) => {
          task.output = text;
        };
        const milestone = (text: string) => {
          task.title = `${title}: ${text}`;
        };
        results.push(await work({ status: show, stage: show, milestone }));
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
export function statusLine(stream: NodeJS.WriteStream = process.stderr) {
  if (!stream.isTTY) return { show: (_text: string) => {}, clear: () => {} };
  const clearLine = '\r\u001b[K';
  let shown = false;
  return {
    show: (text: string) => {
      shown = true;
      stream.write(clearLine + text.slice(0, stream.columns - 1));
    },
    clear: () => {
      if (shown) stream.write(clearLine);
      shown = false;
    },
  };
}

/** What tells a race's events. @param now monotonic clock, in milliseconds */
export function raceReporter(
  { stage, status, milestone }: Progress,
  limit: RoundLimit,
  now: () => number = () => performance.now(),
): (event: RaceEvent, entries: readonly Entry[]) => void {
  let roundsBegan: number | undefined;
  const timeLeft = (roundsDone: number): string => {
    if (roundsBegan === undefined) return '';
    const spent = now() - roundsBegan;
    const roundsLeft = (most: number) => ((most - roundsDone) * spent) / roundsDone;
    // A budget that is used up does not spare the first rounds.
    const sure = roundsLeft('rounds' in limit ? limit.rounds : FEWEST_PROCESSES);
    const most =
      'rounds' in limit
        ? sure
        : Math.min(limit.budgetMilliseconds - spent, roundsLeft(limit.mostRounds ?? Number.POSITIVE_INFINITY));
    const seconds = Math.round(Math.max(sure, most) / 1000);
    return seconds < 1 ? '' : `, ${sure >= most ? 'about' : 'at most'} ${seconds} s left`;
  };
  return (event, entries) => {
    switch (event.kind) {
      case 'verifying':
        return stage(`verifying ${nameOf(entries[event.entry])} (${event.entry + 1} of ${entries.length})`);
      case 'verified':
        return milestone(describe(entries[event.entry]));
      case 'starting':
        roundsBegan ??= now();
        return status(`round ${event.round + 1}: starting ${nameOf(entries[event.entry])}`);
      case 'sampling':
        return status(`round ${event.round + 1}: ${nameOf(entries[event.entry])}`);
      case 'checking':
        return status(`round ${event.round + 1}: checking ${nameOf(entries[event.entry])}`);
      case 'round': {
        const width = Number.isFinite(event.widest) ? `, widest interval ${formatUncertainty(event.widest)}` : '';
        return milestone(`round ${event.round + 1} done${width}${timeLeft(event.round + 1)}`);
      }
    }
  };
}

function describe(entry: Entry): string {
  if (isRacing(entry)) return `${nameOf(entry)}: ${formatSteps(entry.admission.stepsVerified)} verified`;
  return entry.status === 'waiting' ? nameOf(entry) : `${nameOf(entry)}: ${entry.status}: ${entry.reason}`;
}

function nameOf(entry: Entry): string {
  return rowName(identityOf(entry));
}
