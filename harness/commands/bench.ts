import { Command, Option } from 'commander';
import { exitCode } from '../exit-code.ts';
import {
  addTaskFlags,
  implementationsOption,
  jsonOption,
  positiveNumber,
  type TaskFlags,
  taskRequest,
  timeoutOption,
  wholeNumberFrom,
} from '../flags.ts';
import {
  type DiscoveredImplementation,
  discoverImplementations,
  isBroken,
  selectImplementations,
} from '../implementation/discover.ts';
import { interruptSignal } from '../interrupt.ts';
import { checkJsonTarget, writeJson } from '../json-output.ts';
import { measureMachinePeak } from '../measure/machine-peak.ts';
import { fullPace, quickPace } from '../measure/pace.ts';
import type { RoundLimit } from '../measure/race.ts';
import { benchTable, isFailure } from '../present/bench-table.ts';
import { exportResult, parseExports } from '../present/export/export.ts';
import { taskName } from '../present/export/exporter.ts';
import { type Page, terminalPage } from '../present/page.ts';
import { withProgress } from '../present/progress.ts';
import { publishedTableFor, readPublished } from '../present/published.ts';
import { publishedTable } from '../present/published-table.ts';
import { appendHistory, historyRecord } from '../results/history.ts';
import type { BenchResult, Machine } from '../results/schema.ts';
import { resultPath, saveResult } from '../results/store.ts';
import type { TaskRequest } from '../task/task.ts';
import { benchTask } from './bench-task.ts';

export interface BenchFlags extends TaskFlags {
  readonly quick?: true;
  readonly rounds?: number;
  readonly save: boolean;
  readonly precision: number;
  readonly budget: number;
  readonly export: readonly string[];
  readonly json?: string;
  readonly impls?: string;
  readonly timeout?: number;
}

export function benchCommand(): Command {
  return addTaskFlags(new Command('bench'))
    .description('verify implementations, time them, and say how much faster each is')
    .argument('[implementation...]', 'which ones; all of them where none is named')
    .option('--quick', 'every row verified and timed in under 30 seconds, less surely')
    .option('--rounds <n>', 'exactly so many rounds, one process a row in each', wholeNumberFrom(1))
    .addOption(
      new Option('--precision <percent>', 'add rounds until every interval is at most ± this')
        .argParser(positiveNumber)
        .default(2),
    )
    .addOption(new Option('--budget <seconds>', 'stop adding rounds then').argParser(positiveNumber).default(100))
    .option('--no-save', 'keep nothing in results/')
    .option('--export <format=file>', 'write the table for another tool; any number of times', collect, [])
    .addOption(jsonOption())
    .addOption(implementationsOption())
    .addOption(timeoutOption())
    .action(bench);
}

function collect(value: string, values: readonly string[]): readonly string[] {
  return [...values, value];
}

/** Rounds of `--quick`: enough to tell a row from another, not enough for a narrow interval. */
const QUICK_ROUNDS = 3;
const QUICK_BUDGET_SECONDS = 18;

async function bench(names: readonly string[], flags: BenchFlags): Promise<void> {
  await checkJsonTarget(flags.json);
  const exports = parseExports(flags.export);
  const all = await discoverImplementations(flags.impls);
  const chosen = selectImplementations(all, names);
  const request = taskRequest(flags);
  const peak = await measureMachinePeak(interruptSignal());

  const { result, savedTo } = await benchOne({ request, all, chosen, flags, peak });
  const out = flags.json === '-' ? process.stderr : process.stdout;
  out.write(`${await describe(result, terminalPage(out))}\n`);
  if (savedTo !== undefined) out.write(`saved to ${savedTo}\n`);
  if (flags.json !== undefined) await writeJson(flags.json, result);
  await exportResult(result, exports);
  process.exitCode = exitCodeOf(result, chosen);
}

interface BenchOneOptions {
  readonly request: TaskRequest;
  readonly all: readonly DiscoveredImplementation[];
  readonly chosen: readonly DiscoveredImplementation[];
  readonly flags: BenchFlags;
  readonly peak: Machine['peakGflops'];
}

/** Benchmarks one task with progress on standard error, and keeps what was measured as it comes. */
export async function benchOne({
  request,
  all,
  chosen,
  flags,
  peak,
}: BenchOneOptions): Promise<{ result: BenchResult; savedTo?: string }> {
  const signal = interruptSignal();
  let savedTo: string | undefined;
  const keep = async (result: BenchResult) => {
    if (!flags.save || result.rows.length === 0) return;
    savedTo ??= resultPath(result.createdAt, taskName(result));
    await saveResult(savedTo, result);
  };
  const result = await withProgress(request.preset ?? 'bench', (progress) =>
    benchTask({
      request,
      all,
      chosen,
      pace: flags.quick ? quickPace : fullPace,
      limit: roundLimit(flags),
      precision: flags.precision / 100,
      peak,
      signal,
      ...(flags.timeout === undefined ? {} : { replyTimeoutMilliseconds: 1000 * flags.timeout }),
      progress,
      onResult: keep,
    }),
  );
  await keep(result);
  // A short run is no point of a trend, and neither is one that was cut off.
  if (flags.save && !flags.quick && !signal.aborted) await appendHistory(historyRecord(result));
  return { result, ...(savedTo === undefined ? {} : { savedTo }) };
}

function roundLimit(flags: BenchFlags): RoundLimit {
  if (flags.rounds !== undefined) return { rounds: flags.rounds };
  const precision = flags.precision / 100;
  return flags.quick
    ? { precision, budgetMilliseconds: 1000 * Math.min(flags.budget, QUICK_BUDGET_SECONDS), mostRounds: QUICK_ROUNDS }
    : { precision, budgetMilliseconds: 1000 * flags.budget };
}

async function describe(result: BenchResult, page: Page): Promise<string> {
  const published = await readPublished();
  const table = publishedTableFor(published, result.task);
  const parts = [benchTable(result, page)];
  if (table !== undefined) parts.push(publishedTable(published, table, page.width));
  return parts.join('\n\n');
}

/** What an implementation did wrong weighs more than a manifest that could not be read, which is bad input. */
export function exitCodeOf(result: BenchResult, chosen: readonly DiscoveredImplementation[]): number {
  const unreadable = chosen.filter(isBroken).map(({ name }) => name);
  const failures = result.rows.filter(isFailure);
  if (failures.some((row) => !unreadable.includes(row.implementation))) return exitCode.wrong;
  return unreadable.length > 0 ? exitCode.usage : exitCode.ok;
}
