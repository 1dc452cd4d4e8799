import { randomInt } from 'node:crypto';
import { forcedStepMilliseconds } from '../measure/bench-task.ts';
import { contenderOf } from '../measure/contender.ts';
import { refusalOf } from '../measure/entry.ts';
import { longRun } from '../measure/long-run.ts';
import { availability } from '../program/availability.ts';
import { type DiscoveredImplementation, isBroken } from '../program/discover.ts';
import { repeatIfStopped } from '../program/running-clock.ts';
import type { LongRunRow } from '../results/schema.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { type Expectation, expectationOf } from '../verify/expectation.ts';
import type { BenchFlags } from './bench-one.ts';
import { taskRequest } from './flags.ts';
import { interruptSignal } from './interrupt.ts';
import { type Progress, withProgress } from './progress.ts';

/** Long enough for moments and softmax tails to sink into subnormal numbers, if a kernel lets them. */
const runs = [
  { preset: 'd16', steps: 50_000 },
  { preset: 'd64', steps: 5_000 },
] as const;

/** For one row, by default. */
const BUDGET_SECONDS = 60;

/** So much time for checking single steps at the start; a second process repeats the whole run besides. */
const FORCED_MILLISECONDS = 1500;
/** The bound was measured over so many steps; later, moments that a row flushes to zero may exceed it. */
const MOST_FORCED = 1000;

/** Trains every implementation for a long time, one after the other. If interrupted, returns the rows that were finished. */
export async function benchLong(
  all: readonly DiscoveredImplementation[],
  chosen: readonly DiscoveredImplementation[],
  flags: BenchFlags,
): Promise<readonly LongRunRow[]> {
  const signal = interruptSignal();
  const rows: LongRunRow[] = [];
  for (const run of runs) {
    const { preset, steps } = run;
    const task = await prepareTask(taskRequest({ ...flags, preset, numSteps: steps }));
    try {
      await withProgress(`${preset}, ${steps} steps`, async (progress) => {
        const expectation = await expectationOf(task, all, {
          signal,
          onProgress: (done, known, source) => progress.status(`reference ${source}: step ${done} of ${known}`),
        });
        for (const implementation of chosen) {
          const row = await runLong(implementation, run, expectation, flags, progress);
          rows.push(row);
          progress.milestone(`${implementation.name}: ${row.status}`);
        }
      });
    } catch (error) {
      // The rows before the interrupted one are worth showing.
      if (!signal.aborted) throw error;
      break;
    }
  }
  return rows;
}

async function runLong(
  implementation: DiscoveredImplementation,
  { preset, steps }: (typeof runs)[number],
  expectation: Expectation,
  flags: BenchFlags,
  progress: Progress,
): Promise<LongRunRow> {
  const { name } = implementation;
  const identity = { implementation: name, preset };
  if (isBroken(implementation)) return { ...identity, status: 'error', reason: implementation.problem };
  const signal = interruptSignal();
  const here = await availability(implementation, undefined, signal);
  if (!here.available) return { ...identity, status: 'skipped', reason: here.reason };
  try {
    const contender = await contenderOf(implementation, expectation, {
      replyTimeoutMilliseconds: flags.timeout,
      budgetSeconds: 0,
      scoutMilliseconds: 0,
    });
    const run = await repeatIfStopped(() =>
      longRun(contender, {
        task: expectation.task.training,
        steps,
        budgetMilliseconds: 1000 * (flags.budget ?? BUDGET_SECONDS),
        stepsForced: Math.min(MOST_FORCED, Math.ceil(FORCED_MILLISECONDS / forcedStepMilliseconds(expectation))),
        seed: randomInt(2 ** 32),
        signal,
        onProgress: (trained, total) => progress.status(`${name}: step ${trained} of ${total}`),
      }),
    );
    return { ...identity, status: 'verified', run };
  } catch (error) {
    if (signal.aborted) throw error;
    return { ...identity, ...refusalOf(error) };
  }
}
