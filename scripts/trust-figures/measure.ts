import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { serialize } from 'node:v8';
import { execa } from 'execa';
import { median } from 'simple-statistics';
import { runLap } from '../../harness/measure/lap.ts';
import { discoverImplementations, isBroken } from '../../harness/program/discover.ts';
import { pinnedNode } from '../../harness/program/runtime.ts';
import { startTrainer } from '../../harness/program/trainer-process.ts';
import { comparisonSchema } from '../../harness/results/comparison.ts';
import { benchResultSchema, type Interval } from '../../harness/results/schema.ts';
import { prepareTask } from '../../harness/task/prepare-task.ts';
import { presets, taskDefaults } from '../../harness/task/presets.ts';
import type { ComparisonRun } from './record.ts';

const project = resolve(import.meta.dirname, '../..');
const cli = join(project, 'harness', 'cli', 'main.ts');

async function runCli(...words: string[]) {
  return execa(pinnedNode(), [cli, ...words], {
    cwd: project,
    reject: false,
    stderr: 'ignore',
    env: { GITHUB_ACTIONS: '' },
  });
}

/** Compares HEAD with another commit once, with default flags. Returns the result of the first implementation. */
export async function compareOnce(head: string, implementations: readonly string[]): Promise<ComparisonRun> {
  const started = performance.now();
  const words = ['--base', 'HEAD', '--head', head, ...implementations, '--all', '--json', '-'];
  const { stdout, exitCode } = await runCli('compare', ...words);
  const seconds = (performance.now() - started) / 1000;
  const { rows } = comparisonSchema.parse(JSON.parse(stdout));
  const row = rows.find(({ implementation }) => implementation === implementations[0]);
  if (row?.status !== 'compared') throw new Error(`no verdict: ${JSON.stringify(row)}`);
  return {
    verdict: row.verdict,
    reason: row.reason,
    exitCode: exitCode ?? -1,
    seconds,
    ratio: row.ratio.median,
    loadAverage: loadavg()[0],
  };
}

/** Computes until the process that started it ends. */
const BUSY_PROGRAM = 'const parent = process.ppid; while (process.ppid === parent);';

/** Does the work while another process loads a core. */
export async function besideBusyProcess<T>(work: () => Promise<T>): Promise<T> {
  const busy: ChildProcess = spawn(process.execPath, ['-e', BUSY_PROGRAM], { stdio: 'ignore' });
  try {
    return await work();
  } finally {
    busy.kill('SIGKILL');
  }
}

/** The interval of one `bench` run. */
export async function benchOnce(implementation: string): Promise<Interval> {
  const { stdout } = await runCli('bench', implementation, '--rounds', '7', '--no-save', '--json', '-');
  const [row] = benchResultSchema.parse(JSON.parse(stdout)).rows;
  if (row?.status !== 'verified') throw new Error(`not timed: ${JSON.stringify(row)}`);
  return row.microsecondsPerSample;
}

/** Laps of each of the two processes; the first ones are warm-up. */
const WARM_UP_LAPS = 100;
const TIMED_LAPS = 100;

/**
 * Time of a lap by the harness, divided by its time in a bare loop. The two processes take turns, lap by lap, so that
 * disturbances of the machine meet both alike. Returns the median of the turns' ratios.
 */
export async function overheadOnce(name: string): Promise<number> {
  const implementation = (await discoverImplementations()).find((found) => found.name === name);
  if (implementation === undefined || isBroken(implementation) || !('module' in implementation.manifest.run)) {
    throw new Error(`${name} is no TypeScript implementation`);
  }
  const { module } = implementation.manifest.run;
  const task = await prepareTask({ ...presets.d16, ...taskDefaults });
  const steps = task.training.numSteps;
  const folder = await mkdtemp(join(tmpdir(), 'bare-loop-'));
  const taskFile = join(folder, 'task');
  await writeFile(taskFile, serialize(task.training));
  const words = [
    join(import.meta.dirname, 'bare-loop.ts'),
    join(implementation.folder, module),
    taskFile,
    String(steps),
  ];
  const bare = spawn(pinnedNode(), words, {
    cwd: implementation.folder,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const answers = createInterface({ input: bare.stdout })[Symbol.asyncIterator]();
  const hosted = await startTrainer(implementation, task);
  try {
    const bareLap = async () => {
      bare.stdin.write('lap\n');
      return Number((await answers.next()).value);
    };
    const hostedLap = async () => (await runLap(hosted, 0, steps)).nanoseconds;
    const ratios: number[] = [];
    for (let lap = 0; lap < WARM_UP_LAPS + TIMED_LAPS; lap++) {
      // The first process may change the state of the machine for the second, so they swap places.
      const first = lap % 2 === 0 ? await bareLap() : await hostedLap();
      const second = lap % 2 === 0 ? await hostedLap() : await bareLap();
      ratios.push(lap % 2 === 0 ? second / first : first / second);
    }
    return median(ratios.slice(WARM_UP_LAPS));
  } finally {
    bare.stdin.end();
    await hosted.quit();
    await rm(folder, { recursive: true });
  }
}
