import { join } from 'node:path';
import { benchTask } from '../measure/bench-task.ts';
import { NoiseWatch } from '../measure/noise.ts';
import { type Pace, quickPace } from '../measure/pace.ts';
import type { RoundLimit } from '../measure/round-limit.ts';
import type { SortOrder } from '../present/bench-table.ts';
import { printableLine } from '../printable.ts';
import type { DiscoveredImplementation } from '../program/discover.ts';
import type { RuntimeName } from '../program/runtime.ts';
import { displayPath } from '../project.ts';
import { messageOf } from '../regular-file.ts';
import { appendHistory, HISTORY_NAME, historyRecord } from '../results/history.ts';
import { taskName } from '../results/names.ts';
import { joinedRuns } from '../results/resumed.ts';
import type { BenchResult } from '../results/schema.ts';
import { readResult, resultPath, resultPaths, saveResult } from '../results/store.ts';
import type { TaskRequest } from '../task/task.ts';
import { UsageError } from '../usage-error.ts';
import type { TaskFlags } from './flags.ts';
import { interruptSignal } from './interrupt.ts';
import { raceReporter, withProgress } from './progress.ts';

export interface BenchFlags extends TaskFlags {
  readonly baseline: readonly string[];
  readonly sort: SortOrder;
  readonly quick?: true;
  readonly rounds?: number;
  readonly save: boolean;
  readonly report?: true;
  readonly open?: true;
  readonly precision: number;
  readonly budget?: number;
  readonly yes?: true;
  /** Path of an unfinished result, or true for the newest. */
  readonly resume?: string | true;
  readonly scaling?: true;
  readonly long?: true;
  readonly verbose?: true;
  readonly export: readonly string[];
  readonly json?: string;
  readonly results: string;
  readonly impls: readonly string[];
  /** Milliseconds. */
  readonly timeout?: number;
  readonly runtime?: readonly RuntimeName[];
  /** Path of a result whose laps are run again. */
  readonly like?: string;
}

/** Keeps a whole run of seventeen rows at d16, verification and all, under two minutes. */
const BUDGET_SECONDS = 60;

/** Enough to tell rows apart, not enough for a narrow interval. */
const QUICK_ROUNDS = 3;
const QUICK_BUDGET_SECONDS = 22;

/** The rounds end by then, which leaves time to end children and to write. */
const MOST_OVER_BUDGET = 1.3;
/** The end of the rounds of a run without a budget. */
const MOST_SECONDS = 1800;

interface BenchOneOptions {
  readonly request: TaskRequest;
  readonly all: readonly DiscoveredImplementation[];
  readonly chosen: readonly DiscoveredImplementation[];
  readonly firstNamed?: string | undefined;
  readonly flags: BenchFlags;
  /** For the rounds, unless `--budget` says otherwise. */
  readonly budgetSeconds?: number;
  /** Unless `--quick` says otherwise; by default what suits the size. */
  readonly pace?: Pace;
  /** An interrupted run, whose rounds this one continues. */
  readonly resumed?: Resumed | undefined;
}

export interface Resumed {
  readonly path: string;
  readonly result: BenchResult;
}

export interface BenchOutcome {
  readonly result: BenchResult;
  /** Undefined if nothing was kept. */
  readonly savedTo: string | undefined;
  /** What could not be kept, one line each. */
  readonly unsaved: readonly UsageError[];
}

/** Benchmarks one task with progress on standard error, and saves figures as they come. */
export async function benchOne(options: BenchOneOptions): Promise<BenchOutcome> {
  const { request, all, chosen, firstNamed, flags, budgetSeconds = BUDGET_SECONDS, pace, resumed } = options;
  const signal = interruptSignal();
  // Before the tool itself makes the machine busy.
  const watch = new NoiseWatch();
  const like = flags.like === undefined ? undefined : await readResult(flags.like);
  let savedTo: string | undefined;
  let unsaved: UsageError[] = [];
  /** A full disk does not end the run: the table reports it at the end. */
  const keep = async (result: BenchResult) => {
    if (!flags.save || result.rows.length === 0) return;
    const path = resumed?.path ?? resultPath(result.createdAt, taskName(result.task), flags.results);
    try {
      await saveResult(path, result);
      [savedTo, unsaved] = [path, []];
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      unsaved = [error];
    }
  };
  const limit = roundLimit(flags, budgetSeconds, resumed?.result);
  const whole = (result: BenchResult) => (resumed === undefined ? result : joinedRuns(resumed.result, result));
  const raced = await withProgress(request.preset ?? 'bench', (progress) => {
    return benchTask({
      request,
      all,
      chosen,
      runtimes: flags.runtime,
      baselines: flags.baseline,
      firstNamed,
      pace: flags.quick ? quickPace : pace,
      limit,
      precision: flags.precision / 100,
      roundsMilliseconds: roundsMilliseconds(flags),
      watch,
      like,
      signal,
      replyTimeoutMilliseconds: flags.timeout,
      onStage: progress.stage,
      onStatus: progress.status,
      onEvent: raceReporter(progress, limit),
      resumed: resumed?.result,
      onResult: (result) => keep({ ...whole(result), unfinished: true }),
    });
  });
  const result: BenchResult = { ...whole(raced), ...(signal.aborted ? { unfinished: true } : {}) };
  await keep(result);
  if (flags.save && !flags.quick && !signal.aborted) {
    const history = join(flags.results, HISTORY_NAME);
    await appendHistory(historyRecord(result), history).catch((error) => {
      const reason = printableLine(messageOf(error));
      unsaved.push(
        new UsageError(`${displayPath(history)}: this run is not in the history (${reason}); make room for it`),
      );
    });
  }
  return { result, unsaved, savedTo };
}

/** Undefined if they may take as long as they take. */
function roundsMilliseconds({ budget, rounds, yes }: BenchFlags): number | undefined {
  if (budget !== undefined) return MOST_OVER_BUDGET * 1000 * budget;
  return rounds !== undefined || yes ? undefined : 1000 * MOST_SECONDS;
}

function roundLimit(flags: BenchFlags, budgetSeconds: number, resumed?: BenchResult): RoundLimit {
  const done = resumed?.laps.firstDocuments.length ?? 0;
  if (flags.rounds !== undefined) return { rounds: Math.max(1, flags.rounds - done) };
  const precision = flags.precision / 100;
  const budgetMilliseconds = 1000 * (flags.budget ?? (flags.quick ? QUICK_BUDGET_SECONDS : budgetSeconds));
  return {
    precision,
    budgetMilliseconds,
    ...(flags.quick ? { mostRounds: QUICK_ROUNDS } : {}),
  };
}

/**
 * The run that `--resume` continues.
 * @param named path of a result, or true for the newest unfinished one in the folder
 * @throws UsageError if there is none, or the named one was finished
 */
export async function unfinishedRun(named: string | true, folder: string): Promise<Resumed> {
  if (named !== true) {
    const result = await readResult(named);
    if (result.unfinished) return { path: named, result };
    throw new UsageError(
      `--resume ${displayPath(named)}: got a finished run; expected an interrupted one; run it anew`,
    );
  }
  for (const path of await resultPaths(folder)) {
    const result = await readResult(path).catch((error) => {
      if (error instanceof UsageError) return undefined;
      throw error;
    });
    if (result?.unfinished) return { path, result };
  }
  throw new UsageError(
    `--resume: got no interrupted run in ${displayPath(folder)}; expected one; name its file, or run anew`,
  );
}
