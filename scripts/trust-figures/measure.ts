import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { serialize } from 'node:v8';
import { execa } from 'execa';
import { discoverImplementations, isBroken } from '../../harness/implementation/discover.ts';
import { pinnedNode } from '../../harness/implementation/runtime.ts';
import { comparisonSchema } from '../../harness/results/comparison.ts';
import { benchResultSchema, type Interval } from '../../harness/results/schema.ts';
import { prepareTask } from '../../harness/task/prepare-task.ts';
import { presets, taskDefaults } from '../../harness/task/presets.ts';
import type { ComparisonRun } from './record.ts';

const project = resolve(import.meta.dirname, '../..');
const cli = join(project, 'harness', 'cli.ts');

async function runCli(...words: string[]) {
  return execa(pinnedNode(), [cli, ...words], {
    cwd: project,
    reject: false,
    stderr: 'ignore',
    env: { GITHUB_ACTIONS: '' },
  });
}

/** One default comparison of HEAD with another commit; what became of the first implementation. */
export async function compareOnce(head: string, implementations: readonly string[]): Promise<ComparisonRun> {
  const started = performance.now();
  const { stdout, exitCode } = await runCli(
    'compare',
    '--base',
    'HEAD',
    '--head',
    head,
    ...implementations,
    '--json',
    '-',
  );
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

/** Computes without end, but for that of the process that started it. */
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

/** The interval that one `bench` run gives. */
export async function benchOnce(implementation: string): Promise<Interval> {
  const { stdout } = await runCli('bench', implementation, '--rounds', '7', '--no-save', '--json', '-');
  const [row] = benchResultSchema.parse(JSON.parse(stdout)).rows;
  if (row?.status !== 'verified') throw new Error(`not timed: ${JSON.stringify(row)}`);
  return row.microsecondsPerSample;
}

/** What the harness reports for a step over what a bare loop takes for it, in two processes, one right after the other. */
export async function overheadOnce(name: string): Promise<number> {
  const implementation = (await discoverImplementations()).find((found) => found.name === name);
  if (implementation === undefined || isBroken(implementation) || !('module' in implementation.manifest.run)) {
    throw new Error(`${name} is no TypeScript implementation`);
  }
  const { module, nodeFlags } = implementation.manifest.run;
  const { training } = await prepareTask({ ...presets.d16, ...taskDefaults });
  const folder = await mkdtemp(join(tmpdir(), 'bare-loop-'));
  try {
    const taskFile = join(folder, 'task');
    await writeFile(taskFile, serialize(training));
    const bare = async () => {
      const script = join(import.meta.dirname, 'bare-loop.ts');
      const words = [
        ...nodeFlags,
        script,
        join(implementation.folder, module),
        taskFile,
        String(training.numSteps),
        '300',
      ];
      const { stdout } = await execa(pinnedNode(), words, { cwd: implementation.folder });
      return Number(stdout) / 1000 / training.numSteps;
    };
    const reported = async () => {
      const { stdout } = await runCli('bench', name, '--rounds', '1', '--no-save', '--json', '-');
      const [row] = benchResultSchema.parse(JSON.parse(stdout)).rows;
      if (row?.status !== 'verified') throw new Error(`not timed: ${JSON.stringify(row)}`);
      if (row.samplesPerLap !== training.numSteps) throw new Error(`laps of ${row.samplesPerLap} documents`);
      return row.microsecondsPerSample.median;
    };
    // Bare, harness, bare: what the machine does meanwhile weighs on both alike.
    const before = await bare();
    const harness = await reported();
    return harness / Math.sqrt(before * (await bare()));
  } finally {
    await rm(folder, { recursive: true });
  }
}
