import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { thisMachine, thisRuntime } from '../measure/machine.ts';
import { requireDistinct } from '../output-target.ts';
import { benchTable } from '../present/bench-table.ts';
import { exportResult, parseExports } from '../present/export/export.ts';
import { longRunTable } from '../present/long-run-table.ts';
import { type Page, terminalPage } from '../present/page.ts';
import { scalingTables } from '../present/scaling-table.ts';
import { type DiscoveredImplementation, discoverWith, selectImplementations } from '../program/discover.ts';
import { commandLine, displayPath } from '../project.ts';
import { currentCommit } from '../results/commit.ts';
import { HISTORY_NAME } from '../results/history.ts';
import type { LongRunResult } from '../results/schema.ts';
import { SCHEMA_VERSION } from '../results/schema.ts';
import { checkResultsFolder } from '../results/store.ts';
import { UsageError } from '../usage-error.ts';
import { benchLong } from './bench-long.ts';
import { type BenchFlags, benchOne, type Resumed, unfinishedRun } from './bench-one.ts';
import { benchScaling } from './bench-scaling.ts';
import { confirmLongRun } from './confirm-long-run.ts';
import { rowExitCode } from './exit-code.ts';
import {
  addTaskFlags,
  collect,
  exportOption,
  implementationsOption,
  type JsonOutput,
  jsonOption,
  jsonOutput,
  positiveNumber,
  resultsOption,
  runtimeOption,
  sizeFlags,
  sortOption,
  taskRequest,
  timeoutOption,
  wholeNumberFrom,
} from './flags.ts';
import { interruptSignal } from './interrupt.ts';
import { reportTarget, writeReport } from './report.ts';
import { resultText } from './show.ts';

/** @param resumed the run to continue, whose command is parsed */
export function benchCommand(resumed?: Resumed): Command {
  return addTaskFlags(new Command('bench'))
    .summary('time implementations, verified first')
    .description('verify implementations, time them, and say how much faster each is')
    .argument('[implementation...]', 'which ones (default: all)')
    .option('--quick', 'a short run: three short rounds, wider intervals')
    .addOption(
      new Option('--scaling', 'run every preset; show how cost grows with size').conflicts([
        ...sizeFlags,
        'long',
        'export',
      ]),
    )
    .option('--verbose', 'with --scaling, the table of every preset too')
    .addOption(
      new Option('--long', '50,000 steps at d16 and 5,000 at d64: does a step cost the same at the end?').conflicts([
        ...sizeFlags,
        ...['numSteps', 'quick', 'rounds', 'precision', 'runtime', 'baseline', 'sort', 'export'],
      ]),
    )
    .addOption(
      new Option('--rounds <n>', 'run exactly this many rounds')
        .argParser(wholeNumberFrom(1))
        .conflicts(['budget', 'precision']),
    )
    .option('--precision <percent>', 'add rounds until every interval is at most ± this', positiveNumber, 2)
    .option(
      '--budget <seconds>',
      'time for all rounds; verification comes before and does not count; every row gets three processes, even if they take longer (default: 60; with --quick 22, with --scaling 40 a preset)',
      positiveNumber,
    )
    .addOption(resultsOption())
    .addOption(
      new Option('--baseline <name>', 'compare all rows with this one; may be repeated')
        .argParser(collect)
        .default([], 'Python, or the first row named'),
    )
    .addOption(sortOption())
    .addOption(new Option('--like <result>', 'run the laps of a stored result again').conflicts(['scaling', 'long']))
    .addOption(
      new Option(
        '--resume [result]',
        'go on with a run that was interrupted, the newest in --results or a named one; it keeps its own flags',
      ),
    )
    .option('--yes', 'run sizes that take long without asking')
    .option('--no-save', 'save nothing')
    .option('--report', 'make a page of the results, report.html in --results')
    .option('--open', 'make that page and show it in a browser')
    .addOption(exportOption())
    .addOption(jsonOption())
    .addOption(implementationsOption())
    .addOption(timeoutOption())
    .addOption(runtimeOption())
    .action((names, flags, command) => bench(names, flags, command, resumed));
}

/** Standard output is left alone if it is to hold JSON. */
interface Output {
  readonly print: (text: string) => void;
  readonly page: Page;
}

async function bench(names: readonly string[], flags: BenchFlags, command: Command, resumed?: Resumed): Promise<void> {
  if (flags.resume !== undefined && resumed === undefined) {
    refuseWordsOfAnotherRun(names, command);
    const unfinished = await unfinishedRun(flags.resume, flags.results);
    // Its own words say what it was to do; it is kept where its file is.
    await benchCommand(unfinished).exitOverride().parseAsync(unfinished.result.command.slice(1), { from: 'user' });
    return;
  }
  const whole = (['scaling', 'like'] as const).find((flag) => flags[flag] !== undefined);
  if (resumed !== undefined && whole !== undefined) {
    const [name = 'bench', ...words] = resumed.result.command;
    throw new UsageError(
      `--resume: got a run of --${whole}; expected one of a single size and laps of its own; run it anew: ${commandLine(name, ...words)}`,
    );
  }
  const json = await jsonOutput(flags.json);
  const exports = await parseExports(flags.export);
  const reports = flags.report || flags.open;
  if (reports && flags.long)
    throw new UsageError('--report: got --long too, which has no time a document; leave out one');
  if (flags.save && !flags.long) await checkResultsFolder(flags.results);
  requireDistinct([
    ...json.targets,
    ...exports.map(({ target }) => target),
    ...(reports ? [await reportTarget(flags)] : []),
    ...(flags.like === undefined ? [] : [{ flag: `--like ${flags.like}`, path: resolve(flags.like) }]),
    { flag: '--results, for the history', path: resolve(flags.results, HISTORY_NAME) },
  ]);
  if (flags.verbose && !flags.scaling)
    throw new UsageError('--verbose belongs to --scaling; leave it out, or add that');
  const all = await discoverWith(flags.impls);
  selectImplementations(all, flags.baseline);
  const chosen = selectImplementations(all, names.length === 0 ? [] : [...names, ...flags.baseline]);
  const stream = exports.some(({ target }) => target.path === undefined) ? process.stderr : json.stream;
  const output: Output = { print: (text) => stream.write(`${text}\n`), page: terminalPage(stream) };

  if (flags.long) return long(all, chosen, flags, output, json);
  const request = taskRequest(flags);
  if (!flags.yes && !flags.scaling && resumed === undefined) await confirmLongRun(request, chosen, flags.results);
  const { outcomes, failures } = flags.scaling
    ? await benchScaling(all, chosen, flags)
    : { outcomes: [await benchOne({ request, all, chosen, firstNamed: names[0], flags, resumed })], failures: [] };
  const results = outcomes.map(({ result }) => result);
  if (flags.scaling) output.print(scalingTables(results, output.page));
  for (const outcome of outcomes) {
    if (flags.verbose) output.print(`\n${benchTable(outcome.result, output.page, flags.sort)}`);
    if (!flags.scaling) output.print(await resultText(outcome.result, output.page, flags.sort));
    if (outcome.savedTo === undefined) continue;
    const what = interruptSignal().aborted ? 'interrupted; what was measured is in' : 'saved to';
    output.print(`${what} ${displayPath(outcome.savedTo)}`);
  }
  if (interruptSignal().aborted && outcomes.every(({ savedTo }) => savedTo === undefined))
    output.print('interrupted; nothing was saved');
  process.exitCode = rowExitCode(
    results.flatMap(({ rows }) => rows),
    chosen,
  );
  const document = flags.scaling ? { schemaVersion: SCHEMA_VERSION, scaling: results } : results[0];
  const files = outcomes.map(({ result, savedTo }) => ({ path: savedTo ?? 'this run', result }));
  await tryEach([
    () => json.write(document),
    ...exports.map((request) => () => exportResult(results[0], [request])),
    ...(reports ? [() => writeReport(files, flags)] : []),
    // Last, after everything that could be printed or written.
    ...[...failures, ...outcomes.flatMap(({ unsaved }) => unsaved)].map((error) => () => Promise.reject(error)),
  ]);
}

/** It would be ignored beside `--resume`. */
function refuseWordsOfAnotherRun([name]: readonly string[], command: Command): void {
  const flag = command.options.find(
    (option) =>
      !['resume', 'results'].includes(option.attributeName()) &&
      command.getOptionValueSource(option.attributeName()) === 'cli',
  );
  const given = flag?.long ?? name;
  if (given === undefined) return;
  throw new UsageError(
    `--resume: got ${given} too; expected nothing beside it but --results, for the run keeps its own rows and flags; leave ${given} out, or run anew without --resume`,
  );
}

async function long(
  all: readonly DiscoveredImplementation[],
  chosen: readonly DiscoveredImplementation[],
  flags: BenchFlags,
  { print, page }: Output,
  json: JsonOutput,
): Promise<void> {
  const createdAt = new Date().toISOString();
  const longRuns = await benchLong(all, chosen, flags);
  print(longRunTable(longRuns, page));
  const result: LongRunResult = {
    schemaVersion: SCHEMA_VERSION,
    createdAt,
    command: process.argv.slice(2),
    commit: await currentCommit(),
    machine: thisMachine(),
    runtime: thisRuntime(),
    longRuns: [...longRuns],
  };
  await json.write(result);
  process.exitCode = rowExitCode(longRuns, chosen);
}

/**
 * Does everything, whatever fails: one full disk must not take the other outputs with it. @throws UsageError with all failures
 * in one line
 */
async function tryEach(acts: readonly (() => Promise<unknown>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const act of acts) await act().catch((error) => failures.push(error));
  const ofTheUser = failures.filter((failure) => failure instanceof UsageError);
  if (ofTheUser.length < failures.length) throw failures.find((failure) => !(failure instanceof UsageError));
  if (ofTheUser.length > 0) throw new UsageError(ofTheUser.map(({ message }) => message).join('; '));
}
