import { createInterface } from 'node:readline/promises';
import { FEWEST_PROCESSES } from '../measure/race.ts';
import { type DiscoveredImplementation, isBroken } from '../program/discover.ts';
import { rolesOf } from '../program/roles.ts';
import { flopsPerStep } from '../program/trainer-process.ts';
import { prepareTask } from '../task/prepare-task.ts';
import type { PreparedTask, TaskRequest } from '../task/task.ts';
import { UsageError } from '../usage-error.ts';
import { findGolden } from '../verify/golden.ts';
import { affordableSteps, CPYTHON_FLOPS_PER_SECOND } from '../verify/reference-trace.ts';
import { interruptSignal } from './interrupt.ts';

/** A run that takes longer is asked about. */
const LONG_SECONDS = 600;
/** Of a row too slow for more: one to start, a lap of three, and that lap again in the witness. */
const STEPS_OF_A_PROCESS = 7;
/** Verified and timed roughly, before that. */
const STEPS_OF_ADMISSION = 3;

/**
 * Says how long a task takes that is slow in CPython, and asks whether to start. @throws UsageError if the answer is no, or
 * nobody can answer
 */
export async function confirmLongRun(request: TaskRequest, chosen: readonly DiscoveredImplementation[]): Promise<void> {
  const forecast = await longRunForecast(await prepareTask(request), chosen);
  if (forecast === undefined) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new UsageError(`${forecast}; --yes to go on`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${forecast}; go on? [y/N] `, { signal: interruptSignal() });
    if (!/^y(es)?$/i.test(answer.trim())) throw new UsageError('not started; name fewer rows, or a smaller size');
  } finally {
    terminal.close();
  }
}

/** `about 40 min: python 26 steps of 90 s each`, by the speed of CPython on the reference machine; undefined for a short run. */
export async function longRunForecast(
  task: PreparedTask,
  chosen: readonly DiscoveredImplementation[],
): Promise<string | undefined> {
  const secondsPerStep = flopsPerStep(task) / CPYTHON_FLOPS_PER_SECOND;
  const rows = chosen.filter(
    (implementation) => !isBroken(implementation) && rolesOf(implementation).includes('python-baseline'),
  );
  const reference = (await findGolden(task.description)) === undefined ? affordableSteps(task) : 0;
  const steps = reference + rows.length * (STEPS_OF_ADMISSION + FEWEST_PROCESSES * STEPS_OF_A_PROCESS);
  const seconds = steps * secondsPerStep;
  if (seconds <= LONG_SECONDS) return undefined;
  const names = rows.length > 0 ? rows.map(({ name }) => name).join(', ') : 'the reference';
  return `about ${inMinutes(seconds)}: ${names} ${steps} steps of ${inMinutes(secondsPerStep)} each`;
}

function inMinutes(seconds: number): string {
  return seconds < 90
    ? `${Number(seconds.toPrecision(2))} s`
    : `${Math.round(seconds / 60).toLocaleString('en-US')} min`;
}
