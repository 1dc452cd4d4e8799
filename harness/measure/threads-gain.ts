import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { sum } from 'simple-statistics';
import { compilePeakLoop, peakLoop } from './simd-peak.ts';

/** Windows alone and together take turns, and the best of each counts: others' work disturbs some, and the shorter the fewer. */
const TURNS = 20;
const WINDOW_NANOSECONDS = 3_000_000n;
/** In which a worker wakes up. */
const NOTICE_NANOSECONDS = 300_000n;
const ITERATIONS = 1000;

/**
 * How many times the multiply-adds of one thread `threads` threads do together: near `threads` on cores of their own, little more
 * than 1 on hyperthreads of one core.
 */
export async function measureThreadsGain(threads: number): Promise<number> {
  const module = compilePeakLoop('float32');
  const run = peakLoop(module);
  const worker = new URL('./threads-gain-worker.ts', import.meta.url);
  const others = Array.from({ length: threads - 1 }, () => new Worker(worker, { workerData: module }));
  try {
    await Promise.all(others.map((other) => once(other, 'message')));
    let [alone, together] = [0, 0];
    for (let turn = 0; turn < TURNS; turn++) {
      alone = Math.max(alone, runsInWindow(run, process.hrtime.bigint()));
      const start = process.hrtime.bigint() + NOTICE_NANOSECONDS;
      const answers = others.map((other) => once(other, 'message'));
      for (const other of others) other.postMessage(start);
      const runs = [runsInWindow(run, start), ...(await Promise.all(answers)).map(([answer]) => Number(answer))];
      together = Math.max(together, sum(runs));
    }
    return together / alone;
  } finally {
    await Promise.all(others.map((other) => other.terminate()));
  }
}

/** How often the loop runs from `start` on, in nanoseconds of the system's clock, until the window ends. */
export function runsInWindow(run: (iterations: number) => void, start: bigint): number {
  while (process.hrtime.bigint() < start);
  let runs = 0;
  for (; process.hrtime.bigint() < start + WINDOW_NANOSECONDS; runs++) run(ITERATIONS);
  return runs;
}
