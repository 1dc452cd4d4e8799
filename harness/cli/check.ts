import { randomInt } from 'node:crypto';
import { Command, Option } from 'commander';
import { describeCheck, describeRow } from '../present/check-report.ts';
import { fitted } from '../present/page.ts';
import { runtimesOf } from '../program/availability.ts';
import { discoverWith, isBroken, selectImplementations } from '../program/discover.ts';
import type { RuntimeName } from '../program/runtime.ts';
import { type CheckResult, SCHEMA_VERSION } from '../results/schema.ts';
import { GAUNTLET_SEEDS } from '../task/gauntlet.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { UsageError } from '../usage-error.ts';
import { expectationOf } from '../verify/expectation.ts';
import { checkProtocol } from './check-protocol.ts';
import { type CheckRow, checkRow, unmeasured } from './check-row.ts';
import { rowExitCode } from './exit-code.ts';
import {
  addTaskFlags,
  implementationsOption,
  jsonOption,
  jsonOutput,
  runtimeOption,
  type TaskFlags,
  taskRequest,
  timeoutOption,
  wholeNumberFrom,
} from './flags.ts';
import { interruptSignal } from './interrupt.ts';
import { statusLine } from './progress.ts';
import { watchFolders } from './watch-folders.ts';

interface CheckFlags extends TaskFlags {
  readonly steps?: number;
  readonly gauntletSeed?: number;
  readonly samples?: true;
  readonly gradients?: true;
  readonly parameters?: true;
  readonly watch?: true;
  readonly protocol?: true;
  readonly json?: string;
  readonly impls: readonly string[];
  /** Milliseconds. */
  readonly timeout?: number;
  readonly runtime?: readonly RuntimeName[];
}

/** Without `--steps`, one implementation trains no longer. */
const BUDGET_SECONDS = 20;

export function checkCommand(): Command {
  return addTaskFlags(new Command('check'))
    .summary('verify without timing')
    .description('verify implementations against the reference, without timing them')
    .argument('[implementation...]', 'which ones (default: all)')
    .option('--steps <n>', 'how many steps to verify', wholeNumberFrom(1))
    .option(
      '--gauntlet-seed <n>',
      'repeat the random tasks of that seed; drawn afresh where left out',
      wholeNumberFrom(0),
    )
    .option('--samples', 'train for --num-steps and draw 20 names')
    .option('--gradients', 'show the gradients of step 1, tensor by tensor')
    .option('--parameters', 'show the parameters after step 1, tensor by tensor')
    .option('--watch', 'check again whenever a file of the implementation is saved')
    .addOption(
      new Option('--protocol', 'check the line protocol instead of the losses').conflicts([
        ...['steps', 'samples', 'gradients', 'parameters', 'runtime'],
      ]),
    )
    .addOption(jsonOption())
    .addOption(implementationsOption())
    .addOption(timeoutOption())
    .addOption(runtimeOption())
    .action(check);
}

async function check(names: readonly string[], flags: CheckFlags): Promise<void> {
  if (!flags.watch) return checkOnce(names, flags);
  const signal = interruptSignal();
  const chosen = selectImplementations(await discoverWith(flags.impls), names);
  const watching = watchFolders(
    chosen.map((implementation) => implementation.folder),
    signal,
  );
  for (;;) {
    await checkOnce(names, flags).catch((error) => {
      // A half-written manifest is part of the work: report it, and wait for the next save.
      if (!(error instanceof UsageError)) throw error;
      console.error(`error: ${error.message}`);
    });
    console.error('waiting for a file to be saved; Ctrl-C ends');
    await watching.saved();
  }
}

async function checkOnce(names: readonly string[], flags: CheckFlags): Promise<void> {
  const json = await jsonOutput(flags.json);
  const { stream } = json;
  const all = await discoverWith(flags.impls);
  const chosen = selectImplementations(all, names);
  const task = await prepareTask(taskRequest(flags));
  const signal = interruptSignal();
  if (flags.protocol) {
    process.exitCode = await checkProtocol(chosen, task, json, { signal, patienceMilliseconds: flags.timeout });
    return;
  }
  const status = statusLine();
  const print = (line: string) => {
    status.clear();
    stream.write(`${fitted(line, stream)}\n`);
  };

  const gauntletSeed = flags.gauntletSeed ?? randomInt(GAUNTLET_SEEDS);
  const expectation = await expectationOf(task, all, {
    signal,
    replyTimeoutMilliseconds: flags.timeout,
    steps: flags.steps,
    onProgress: (done, steps, source) => status.show(`reference ${source}: step ${done} of ${steps}`),
  });
  const reference = { source: expectation.reference.source, losses: Array.from(expectation.reference.losses) };
  print(describeCheck(task.description, reference, gauntletSeed));
  for (const warning of expectation.warnings) print(`warning: ${warning}`);

  const nameWidth = Math.max(...chosen.map((implementation) => implementation.name.length));
  const results: CheckRow[] = [];
  const show = (row: CheckRow, stderrTail: string) => {
    results.push(row);
    for (const line of describeRow(row, nameWidth, stderrTail, stream)) print(line);
  };
  for (const implementation of chosen) {
    const { name } = implementation;
    if (isBroken(implementation)) {
      show(unmeasured({ implementation: name }, 'error', implementation.problem), '');
      continue;
    }
    for (const runtime of runtimesOf(implementation, flags.runtime)) {
      const { row, stderrTail } = await checkRow(implementation, expectation, {
        signal,
        runtime,
        replyTimeoutMilliseconds: flags.timeout,
        samples: flags.samples,
        gradients: flags.gradients,
        parameters: flags.parameters,
        gauntletSeed,
        steps: flags.steps,
        budgetSeconds: flags.steps === undefined ? BUDGET_SECONDS : undefined,
        onStatus: (text) => status.show(`${name}: ${text}`),
      });
      show(row, stderrTail);
    }
  }
  const { description } = task;
  const document: CheckResult = { schemaVersion: SCHEMA_VERSION, task: description, gauntletSeed, reference, results };
  await json.write(document);
  process.exitCode = rowExitCode(results, chosen);
}
