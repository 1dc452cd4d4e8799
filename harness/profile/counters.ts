import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Implementation } from '../program/discover.ts';
import { temporaryFolder } from '../program/temporary-folder.ts';
import type { PreparedTask } from '../task/task.ts';
import { startUnderPerf } from './sample-program.ts';

/** Hardware counters for one step. */
export interface Counters {
  readonly instructions: number;
  readonly cycles: number;
  readonly cacheMisses: number;
}

const events = { instructions: 'instructions:u', cycles: 'cycles:u', cacheMisses: 'cache-misses:u' } as const;

/**
 * What a step costs in instructions, cycles and cache misses; undefined if the kernel does not count them, as in most virtual
 * machines. The difference of a longer and a shorter training has no start-up in it.
 */
export async function countStep(
  implementation: Implementation,
  task: PreparedTask,
  signal: AbortSignal,
): Promise<Counters | undefined> {
  const few = Math.ceil(task.training.numSteps / 4);
  const many = task.training.numSteps;
  if (few === many) return undefined;
  const less = await countTraining(implementation, task, few, signal);
  const more = less && (await countTraining(implementation, task, many, signal));
  if (less === undefined || more === undefined) return undefined;
  const perStep = (name: keyof Counters) => (more[name] - less[name]) / (many - few);
  return { instructions: perStep('instructions'), cycles: perStep('cycles'), cacheMisses: perStep('cacheMisses') };
}

async function countTraining(
  implementation: Implementation,
  task: PreparedTask,
  steps: number,
  signal: AbortSignal,
): Promise<Counters | undefined> {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'counters');
  const words = ['stat', '-x', ',', '-e', Object.values(events).join(','), '-o', file];
  const trainer = await startUnderPerf(words, implementation, task, signal);
  try {
    await trainer.train(steps);
  } finally {
    await trainer.quit();
  }
  return parsePerfStat(await readFile(file, 'utf8').catch(() => ''));
}

/** Lines such as `12345,,cycles:u,…`, or `<not supported>,,cycles:u,…`. */
export function parsePerfStat(text: string): Counters | undefined {
  const counted = new Map(
    text.split('\n').map((line) => {
      const [value, , event = ''] = line.split(',');
      return [event, Number(value)] as const;
    }),
  );
  const [instructions, cycles, cacheMisses] = Object.values(events).map((event) => counted.get(event) ?? Number.NaN);
  if (instructions === undefined || cycles === undefined || cacheMisses === undefined) return undefined;
  return Number.isFinite(instructions + cycles + cacheMisses) ? { instructions, cycles, cacheMisses } : undefined;
}
