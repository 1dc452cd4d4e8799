import type { Profiler } from 'node:inspector';
import { Session } from 'node:inspector/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { median } from 'simple-statistics';
import type { CreateTrainer, Trainer } from '../../impls/contract.ts';
import type { Implementation } from '../program/discover.ts';
import type { PreparedTask } from '../task/task.ts';
import { type Sampled, type SamplingOptions, STEPS_AT_A_TIME, type StackSamples } from './profile.ts';
import type { ProfiledFunction } from './profile-list.ts';

/** V8's default is 1 ms; a tenth gives tens of thousands of samples in some seconds. */
const SAMPLING_INTERVAL_MICROSECONDS = 100;

/** Shares of the time: until V8 has compiled all, without the profiler, and with it. */
const parts = { warmUp: 0.3, plain: 0.2, profiled: 0.5 };

/** Trains a TypeScript implementation in this process under V8's sampling profiler, which knows WebAssembly's functions too. */
export async function sampleModule(
  implementation: Implementation,
  module: string,
  { training }: PreparedTask,
  { seconds, signal }: SamplingOptions,
): Promise<Sampled> {
  const loaded: { readonly default: CreateTrainer } = await import(
    pathToFileURL(resolve(implementation.folder, module)).href
  );
  const trainer = await loaded.default(training);
  const session = new Session();
  session.connect();
  try {
    const train = (share: number) => trainFor(trainer, training.numSteps, 1000 * seconds * share, signal);
    await train(parts.warmUp);
    const microsecondsPerStep = await train(parts.plain);
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_INTERVAL_MICROSECONDS });
    await session.post('Profiler.start');
    await train(parts.profiled);
    const { profile } = await session.post('Profiler.stop');
    return { stacks: stacksOf(profile), microsecondsPerStep, cpuProfile: profile };
  } finally {
    session.disconnect();
    trainer.close?.();
  }
}

/** Trains for that long, each lap over other documents, and returns the median time of a step. */
async function trainFor(
  trainer: Trainer,
  numSteps: number,
  milliseconds: number,
  signal: AbortSignal,
): Promise<number> {
  const began = performance.now();
  const times: number[] = [];
  let steps = 0;
  let elapsed = 0;
  while (elapsed < milliseconds) {
    // Interrupts are handled between two laps.
    await new Promise((done) => setImmediate(done));
    signal.throwIfAborted();
    trainer.reset(steps);
    for (let left = numSteps; left > 0 && elapsed < milliseconds; ) {
      const count = Math.min(STEPS_AT_A_TIME, left);
      trainer.train(count);
      const now = performance.now() - began;
      times.push((1000 * (now - elapsed)) / count);
      elapsed = now;
      left -= count;
      steps += count;
    }
  }
  return median(times);
}

/** Of the session that samples. */
const PROFILER = 'node:inspector';

/** Samples by call stack, without the time in which nothing ran, or the profiler itself did. */
export function stacksOf({ nodes, samples = [] }: Profiler.Profile): readonly StackSamples[] {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const counts = new Map<number, number>();
  for (const id of samples) counts.set(id, (counts.get(id) ?? 0) + 1);
  const stackOf = (id: number | undefined): readonly ProfiledFunction[] => {
    const node = id === undefined ? undefined : byId.get(id);
    if (node === undefined) return [];
    const { functionName, url } = node.callFrame;
    return [{ file: fileName(url), name: functionName }, ...stackOf(parents.get(node.id))];
  };
  return [...counts]
    .map(([id, count]) => ({ stack: stackOf(id), samples: count }))
    .filter(({ stack: [innermost] }) => innermost?.name !== '(idle)' && innermost?.file !== PROFILER);
}

/** WebAssembly's address changes with every build. */
function fileName(url: string): string {
  return url.startsWith('wasm:') ? '' : (url.split('/').at(-1) ?? '');
}
