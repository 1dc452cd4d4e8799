import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { thisMachine } from '../measure/machine.ts';
import { FEWEST_PROCESSES } from '../measure/round-limit.ts';
import { type DiscoveredImplementation, isBroken } from '../program/discover.ts';
import { rolesOf } from '../program/roles.ts';
import { flopsPerStep } from '../program/trainer-process.ts';
import { HISTORY_NAME, readHistory } from '../results/history.ts';
import { prepareTask } from '../task/prepare-task.ts';
import type { PreparedTask, TaskRequest } from '../task/task.ts';
import { UsageError } from '../usage-error.ts';
import { affordableSteps, CPYTHON_FLOPS_PER_SECOND } from '../verify/expectation.ts';
import { findGolden } from '../verify/golden.ts';
import { interrupt, interruptSignal } from './interrupt.ts';

/** A run that takes longer is asked about. */
const LONG_SECONDS = 600;
/** Of a row too slow for more: one to start, a lap of three, and that lap again in the witness. */
const STEPS_OF_A_PROCESS = 7;
/** Before that it is verified and timed roughly. */
const STEPS_OF_A_ROW = 3 + FEWEST_PROCESSES * STEPS_OF_A_PROCESS;
/** What takes a smaller part of the whole is not named. */
const WORTH_NAMING = 0.05;

/**
 * Says how long a task takes that is slow in CPython, and asks whether to start. @throws UsageError if the answer is no, or
 * nobody can answer
 */
export async function confirmLongRun(
  request: TaskRequest,
  chosen: readonly DiscoveredImplementation[],
  results: string,
): Promise<void> {
  const forecast = await longRunForecast(await prepareTask(request), chosen, results);
  if (forecast === undefined) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new UsageError(`${forecast}; --yes to go on`);
  if (!(await agrees(`${forecast}; go on? [y/N] `, process.stdin, process.stderr, interruptSignal())))
    throw new UsageError('not started; name fewer rows, or a smaller size');
}

/** Whether the answer is yes; Ctrl-D is none. Ctrl-C, which a terminal hands over as a key here, interrupts. @throws if `signal` aborts */
export async function agrees(
  question: string,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
  signal: AbortSignal,
  interrupted: () => void = interrupt,
): Promise<boolean> {
  const terminal = createInterface({ input, output, terminal: true });
  terminal.on('SIGINT', interrupted);
  try {
    const answer = await terminal.question(question, { signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    if (signal.aborted) throw error;
    return false;
  } finally {
    terminal.close();
  }
}

/**
 * `about 40 min: python 24 steps of 90 s each`; undefined for a short run. A row takes what it last took on this machine, scaled by
 * the parameters; Python that was never timed here, what CPython takes on the reference machine; any other counts for nothing.
 */
async function longRunForecast(
  task: PreparedTask,
  chosen: readonly DiscoveredImplementation[],
  results: string,
): Promise<string | undefined> {
  const cpythonSeconds = flopsPerStep(task) / CPYTHON_FLOPS_PER_SECOND;
  const known = await secondsPerParameter(results);
  const parts = chosen
    .filter((one) => !isBroken(one))
    .map((one) => {
      const timed = known.get(one.name);
      const untimed = rolesOf(one).includes('python-baseline') ? cpythonSeconds : 0;
      const { parameterCount, batch } = task.description;
      return {
        name: one.name,
        steps: STEPS_OF_A_ROW,
        each: timed === undefined ? untimed : timed * parameterCount * batch,
      };
    });
  if ((await findGolden(task.description)) === undefined) {
    parts.push({ name: 'the reference', steps: affordableSteps(task), each: cpythonSeconds });
  }
  const total = parts.reduce((sum, { steps, each }) => sum + steps * each, 0);
  if (total <= LONG_SECONDS) return undefined;
  const longest = parts.filter(({ steps, each }) => steps * each > WORTH_NAMING * total);
  const described = longest.map(({ name, steps, each }) => `${name} ${steps} steps of ${inMinutes(each)} each`);
  return `about ${inMinutes(total)}: ${described.join(', ')}`;
}

/** Of a document, by the newest run of this machine in which each row was timed. */
async function secondsPerParameter(results: string): Promise<ReadonlyMap<string, number>> {
  const { records } = await readHistory(join(results, HISTORY_NAME)).catch((error) => {
    if (error instanceof UsageError) return { records: [] };
    throw error;
  });
  const { fingerprint } = thisMachine();
  return new Map(
    records
      .filter(({ machine }) => machine.fingerprint === fingerprint)
      .flatMap(({ task, rows }) =>
        rows.map((row) => [row.implementation, row.microsecondsPerSample.median / 1e6 / task.parameterCount] as const),
      ),
  );
}

function inMinutes(seconds: number): string {
  return seconds < 90
    ? `${Number(seconds.toPrecision(2))} s`
    : `${Math.round(seconds / 60).toLocaleString('en-US')} min`;
}
