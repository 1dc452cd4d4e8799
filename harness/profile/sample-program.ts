import type { Profiler } from 'node:inspector';
import { join } from 'node:path';
import { execa } from 'execa';
import { median } from 'simple-statistics';
import { buildImplementation } from '../program/build.ts';
import type { Implementation } from '../program/discover.ts';
import { temporaryFolder } from '../program/temporary-folder.ts';
import { programWords, startTrainer, type TrainerProcess } from '../program/trainer-process.ts';
import type { PreparedTask } from '../task/task.ts';
import { UsageError } from '../usage-error.ts';
import type { Sampled, SamplingOptions, StackSamples } from './profile.ts';
import type { ProfileList } from './profile-list.ts';

const SAMPLES_PER_SECOND = 4000;

/** Trains a program under Linux's `perf`, sampling by the clock, which needs no hardware counters. */
export async function sampleProgram(
  implementation: Implementation,
  { buildWords }: ProfileList,
  task: PreparedTask,
  { seconds, signal }: SamplingOptions,
): Promise<Sampled> {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'perf.data');
  const words = ['record', '-q', '-e', 'cpu-clock:u', '-F', String(SAMPLES_PER_SECOND), '-o', file];
  const trainer = await startUnderPerf(words, withNames(implementation, buildWords), task, signal);
  const times: number[] = [];
  let [steps, nanoseconds] = [0, 0];
  try {
    // The first lap is short: the time of a step is not known yet.
    for (let count = 1; nanoseconds < seconds * 1e9; count = Math.min(task.training.numSteps, 4 * count)) {
      await trainer.reset(steps);
      const lap = await trainer.train(count);
      times.push(lap.nanoseconds / 1000 / count);
      nanoseconds += lap.nanoseconds;
      steps += count;
    }
  } finally {
    await trainer.quit();
  }
  const reportWords = ['report', '-i', file, '--stdio', '--no-children', '-q', '-F', 'sample,sym', '-t', '|'];
  const { stdout } = await execa('perf', reportWords, { reject: false, stdin: 'ignore' });
  const stacks = parsePerfReport(stdout ?? '');
  if (stacks.length === 0) throw new UsageError(`perf: got no sample of ${implementation.name}; ${PERMISSION}`);
  return {
    stacks,
    microsecondsPerStep: median(times),
    cpuProfile: cpuProfileOf(stacks, 1e6 / SAMPLES_PER_SECOND),
  };
}

const PERMISSION = 'allow it with `sysctl kernel.perf_event_paranoid=1`, or profile a TypeScript row';

/** Built so that its functions keep their names. */
function withNames(implementation: Implementation, buildWords: readonly string[]): Implementation {
  const { manifest } = implementation;
  if (manifest.build === undefined) return implementation;
  const build = { ...manifest.build, command: [...manifest.build.command, ...buildWords] };
  return { ...implementation, manifest: { ...manifest, build } };
}

export async function startUnderPerf(
  perfWords: readonly string[],
  implementation: Implementation,
  task: PreparedTask,
  signal: AbortSignal,
): Promise<TrainerProcess> {
  const build = await buildImplementation(implementation, signal);
  const words = await programWords(implementation, build?.folder);
  const manifest = { ...implementation.manifest, run: { command: ['perf', ...perfWords, '--', ...words] } };
  return startTrainer({ ...implementation, manifest }, task, { signal });
}

/** Lines such as ` 1530       |[.] attend`; perf marks a function of the kernel with `[k]`. */
export function parsePerfReport(text: string): readonly StackSamples[] {
  return text.split('\n').flatMap((line) => {
    const found = /^\s*(?<samples>\d+)\s*\|\[.\]\s+(?<name>\S.*?)\s*$/.exec(line)?.groups;
    return found === undefined
      ? []
      : [{ stack: [{ file: '', name: found['name'] ?? '' }], samples: Number(found['samples']) }];
  });
}

/** @throws {UsageError} without perf */
export async function requirePerf(): Promise<void> {
  const version = await execa('perf', ['--version'], { reject: false, stdin: 'ignore' });
  if (version.exitCode !== 0) {
    throw new UsageError('perf: not found; expected Linux with perf; install linux-perf, or profile a TypeScript row');
  }
}

/** In the form of V8's profiler, which browsers and speedscope draw as a flame graph. */
export function cpuProfileOf(stacks: readonly StackSamples[], microsecondsPerSample: number): Profiler.Profile {
  const callFrame = (functionName: string) => ({
    functionName,
    scriptId: '0',
    url: '',
    lineNumber: -1,
    columnNumber: -1,
  });
  const functions = stacks.map(({ stack, samples }, i) => ({
    id: i + 2,
    callFrame: callFrame(stack[0]?.name ?? '(unknown)'),
    hitCount: samples,
    children: [],
  }));
  const samples = functions.flatMap(({ id, hitCount }) => Array.from({ length: hitCount }, () => id));
  return {
    nodes: [
      { id: 1, callFrame: callFrame('(root)'), hitCount: 0, children: functions.map(({ id }) => id) },
      ...functions,
    ],
    startTime: 0,
    endTime: Math.round(samples.length * microsecondsPerSample),
    samples,
    timeDeltas: samples.map(() => Math.round(microsecondsPerSample)),
  };
}
