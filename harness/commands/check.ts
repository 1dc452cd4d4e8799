import { Command } from 'commander';
import { exitCode } from '../exit-code.ts';
import {
  addTaskFlags,
  implementationsOption,
  jsonOption,
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
import type { TrainerProcess } from '../implementation/trainer-process.ts';
import { interruptSignal } from '../interrupt.ts';
import { checkJsonTarget, writeJson } from '../json-output.ts';
import { describeCheck, describeRow } from '../present/check-report.ts';
import { type StatusLine, statusLine } from '../present/status-line.ts';
import { type CheckResult, SCHEMA_VERSION } from '../results/schema.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { drawSamples } from '../task/sample.ts';
import type { PreparedTask } from '../task/task.ts';
import { UsageError } from '../usage-error.ts';
import { type Expectation, expectationOf } from '../verify/expectation.ts';
import type { TensorFinding } from '../verify/tensor-check.ts';
import { type Verification, verifyImplementation } from '../verify/verify-implementation.ts';
import { checkProtocol } from './check-protocol.ts';

import { watchFolders } from './watch-folders.ts';

type CheckRow = CheckResult['results'][number];

interface CheckFlags extends TaskFlags {
  readonly steps?: number;
  readonly samples?: true;
  readonly gradients?: true;
  readonly parameters?: true;
  readonly watch?: true;
  readonly protocol?: true;
  readonly json?: string;
  readonly impls?: string;
  readonly timeout?: number;
}

/** Without `--steps`, one implementation trains no longer than this; its row says over how many steps it was verified. */
const BUDGET_SECONDS = 20;

export function checkCommand(): Command {
  return addTaskFlags(new Command('check'))
    .description('verify implementations against the reference, without timing them')
    .argument('[implementation...]', 'which ones; all of them where none is named')
    .option('--steps <n>', 'how many steps to verify', wholeNumberFrom(1))
    .option('--samples', 'train for --num-steps and draw 20 names')
    .option('--gradients', 'show the gradients of step 1, tensor by tensor')
    .option('--parameters', 'show the parameters after step 1, tensor by tensor')
    .option('--watch', 'check again whenever a file of the implementation is saved')
    .option('--protocol', 'try what the line protocol asks of a program, instead of its losses')
    .addOption(jsonOption())
    .addOption(implementationsOption())
    .addOption(timeoutOption())
    .action(check);
}

async function check(names: readonly string[], flags: CheckFlags): Promise<void> {
  if (!flags.watch) return checkOnce(names, flags);
  const signal = interruptSignal();
  const chosen = selectImplementations(await discoverImplementations(flags.impls), names);
  const watching = watchFolders(
    chosen.map((implementation) => implementation.folder),
    signal,
  );
  for (;;) {
    await checkOnce(names, flags).catch((error) => {
      // Half-written manifests are part of the work: say so, and wait for the next save.
      if (!(error instanceof UsageError)) throw error;
      console.error(`error: ${error.message}`);
    });
    console.error('waiting for a file to be saved; Ctrl-C ends');
    await watching.saved();
  }
}

async function checkOnce(names: readonly string[], flags: CheckFlags): Promise<void> {
  await checkJsonTarget(flags.json);
  const all = await discoverImplementations(flags.impls);
  const chosen = selectImplementations(all, names);
  const task = await prepareTask(taskRequest(flags));
  if (flags.protocol) {
    process.exitCode = await checkProtocol(chosen, task, { signal: interruptSignal(), json: flags.json });
    return;
  }
  const stream = flags.json === '-' ? process.stderr : process.stdout;
  const status = statusLine();
  const print = (line: string) => {
    status.clear();
    stream.write(`${line}\n`);
  };

  const expectation = await expectationOf(task, all, {
    ...trainerOptions(flags),
    steps: flags.steps,
    onProgress: (done, steps, source) => status.show(`reference ${source}: step ${done} of ${steps}`),
  });
  const reference = { source: expectation.reference.source, losses: Array.from(expectation.reference.losses) };
  print(describeCheck(task.description, reference));
  for (const warning of expectation.warnings) print(`warning: ${warning}`);

  const nameWidth = Math.max(...chosen.map((implementation) => implementation.name.length));
  const results: CheckRow[] = [];
  for (const implementation of chosen) {
    const { row, stderrTail } = await checkOne(implementation, expectation, flags, status);
    results.push(row);
    for (const line of describeRow(row, nameWidth, stderrTail, stream)) print(line);
  }
  if (flags.json !== undefined) {
    const document: CheckResult = { schemaVersion: SCHEMA_VERSION, task: task.description, reference, results };
    await writeJson(flags.json, document);
  }
  process.exitCode = exitCodeOf(results, chosen);
}

function trainerOptions(flags: CheckFlags): {
  readonly signal: AbortSignal;
  readonly replyTimeoutMilliseconds?: number;
} {
  const signal = interruptSignal();
  return flags.timeout === undefined ? { signal } : { signal, replyTimeoutMilliseconds: 1000 * flags.timeout };
}

async function checkOne(
  implementation: DiscoveredImplementation,
  expectation: Expectation,
  flags: CheckFlags,
  status: StatusLine,
): Promise<{ readonly row: CheckRow; readonly stderrTail: string }> {
  if (isBroken(implementation)) {
    return { row: unmeasured(implementation.name, 'error', implementation.problem), stderrTail: '' };
  }
  const { name } = implementation;
  const steps = expectation.reference.losses.length;
  let samples: readonly string[] | undefined;
  const verification = await verifyImplementation(implementation, expectation, {
    ...trainerOptions(flags),
    probesOverflow: true,
    budgetSeconds: flags.steps === undefined ? BUDGET_SECONDS : undefined,
    onProgress: (done) => status.show(`${name}: step ${done} of ${steps}`),
    afterwards: async (trainer, done) => {
      if (flags.samples)
        samples = await drawFinalSamples(trainer, expectation.task, done, (at) =>
          status.show(`${name}: step ${at}, on the way to its samples`),
        );
    },
  });
  return {
    row: {
      ...rowOf(name, verification),
      ...tensorsOf(verification, flags),
      ...(samples === undefined ? {} : { samples: [...samples] }),
    },
    stderrTail: verification.status === 'error' ? verification.stderrTail : '',
  };
}

function rowOf(name: string, verification: Verification): CheckRow {
  if (!('losses' in verification)) return unmeasured(name, verification.status, verification.reason);
  const { status, stepsVerified, maxLossError, tolerance, losses } = verification;
  const wrong = status === 'mismatch' ? verification : undefined;
  return {
    implementation: name,
    status,
    ...(wrong === undefined ? {} : { reason: wrong.reason, diagnosis: [...wrong.diagnosis] }),
    losses: Array.from(losses, (loss) => (Number.isFinite(loss) ? loss : null)),
    stepsVerified,
    maxLossError,
    tolerance,
    ...(wrong?.firstMismatch === undefined ? {} : { firstMismatch: wrong.firstMismatch }),
  };
}

/** What `--gradients` and `--parameters` ask to see. */
function tensorsOf(verification: Verification, flags: CheckFlags): Pick<CheckRow, 'gradients' | 'parameters'> {
  if (!('first' in verification)) return {};
  const { gradientFindings, parameterFindings } = verification.first;
  const finite = (findings: readonly TensorFinding[]) =>
    findings.map((finding) => ({ ...finding, maxError: Number.isFinite(finding.maxError) ? finding.maxError : null }));
  return {
    ...(flags.gradients && gradientFindings !== undefined ? { gradients: finite(gradientFindings) } : {}),
    ...(flags.parameters ? { parameters: finite(parameterFindings) } : {}),
  };
}

function unmeasured(implementation: string, status: 'error' | 'skipped' | 'unsupported', reason: string): CheckRow {
  return { implementation, status, reason, losses: [], stepsVerified: 0, maxLossError: null, tolerance: null };
}

/** Steps between two looks at the terminal while training for samples. */
const STEPS_PER_LOOK = 50;

async function drawFinalSamples(
  trainer: TrainerProcess,
  task: PreparedTask,
  done: number,
  onProgress: (step: number) => void,
): Promise<readonly string[]> {
  const { numSteps } = task.training;
  for (let step = done; step < numSteps; ) {
    const steps = Math.min(STEPS_PER_LOOK, numSteps - step);
    await trainer.train(steps);
    step += steps;
    onProgress(step);
  }
  return drawSamples(task, await trainer.parameters());
}

/** What an implementation did wrong weighs more than a manifest that could not be read, which is bad input. */
function exitCodeOf(results: readonly CheckRow[], chosen: readonly DiscoveredImplementation[]): number {
  const unreadable = chosen.filter(isBroken).map((implementation) => implementation.name);
  const wrong = results.filter((row) => row.status === 'mismatch' || row.status === 'error');
  if (wrong.some((row) => !unreadable.includes(row.implementation))) return exitCode.wrong;
  return unreadable.length > 0 ? exitCode.usage : exitCode.ok;
}
