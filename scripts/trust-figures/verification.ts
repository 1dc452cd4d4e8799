/** `npm run trust-figures -- verification`: right trainers, in every arithmetic, must never be refused. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { availability } from '../../harness/program/availability.ts';
import { discoverImplementations, isBroken } from '../../harness/program/discover.ts';
import { startTrainer } from '../../harness/program/trainer-process.ts';
import { implementationsRoot } from '../../harness/project.ts';
import type { DatasetName } from '../../harness/task/dataset.ts';
import { gauntletTasks } from '../../harness/task/gauntlet.ts';
import { prepareTask } from '../../harness/task/prepare-task.ts';
import { type PresetName, presets, taskDefaults } from '../../harness/task/presets.ts';
import type { PreparedTask } from '../../harness/task/task.ts';
import { rightArithmetics } from '../../harness/testing/arithmetic.ts';
import { createPlainTrainer } from '../../harness/testing/plain-trainer.ts';
import { stepwise } from '../../harness/testing/stepwise.ts';
import { forceSteps, type StepwiseTrainer } from '../../harness/verify/force-steps.ts';
import { runGauntlet } from '../../harness/verify/run-gauntlet.ts';
import { Teacher } from '../../harness/verify/teacher.ts';
import { alignedTable, keepFigures } from './page.ts';

/** Fewer if a step is slow, so that all runs take about the same time. */
const steps: Readonly<Record<PresetName, number>> = {
  d16: 40,
  d32: 15,
  d64: 6,
  d128: 2,
  'd16-b16': 5,
  'd64-b16': 1,
};
const datasets: readonly DatasetName[] = ['us-names-2016', 'names'];
const SEEDS = 10;

interface Tally {
  readonly name: string;
  runs: number;
  steps: number;
  worst: number;
  readonly refused: string[];
}

interface RightTrainer {
  readonly name: string;
  readonly precision: 'float32' | 'float64';
  readonly start: (task: PreparedTask) => Promise<StepwiseTrainer>;
}

/** Verifies as many as the time allows, seed by seed, and writes the figures into docs/trust.md. */
export async function measureVerification(minutes: number): Promise<void> {
  const { trainers, remove } = await rightTrainers();
  const tallies = trainers.map(({ name }): Tally => ({ name, runs: 0, steps: 0, worst: 0, refused: [] }));
  const deadline = performance.now() + 60_000 * minutes;
  for (let seed = 0; seed < SEEDS; seed++) {
    const tasks: { readonly name: string; readonly task: PreparedTask; readonly steps: number }[] = [];
    for (const preset of Object.keys(presets) as PresetName[]) {
      for (const dataset of datasets) {
        const task = await prepareTask({ ...taskDefaults, ...presets[preset], preset, dataset, seed });
        tasks.push({ name: `${preset} on ${dataset}`, task, steps: steps[preset] });
      }
    }
    for (const [i, trainer] of trainers.entries()) {
      for (const { name, task, steps } of tasks) {
        if (performance.now() > deadline) break;
        await tryTask(trainer, tallies[i], `${name}, seed ${seed}`, task, steps);
      }
      const gauntlet = await runGauntlet(trainer.start, gauntletTasks(seed), trainer.precision, () => false);
      tallies[i].runs++;
      if (gauntlet.status === 'failed') tallies[i].refused.push(`${gauntlet.task.name}, ${seed}: ${gauntlet.reason}`);
      else tallies[i].steps += gauntlet.stepsForced;
    }
    const runs = tallies.reduce((sum, tally) => sum + tally.runs, 0);
    const refused = tallies.flatMap(({ name, refused }) => refused.map((reason) => `${name}: ${reason}`));
    console.log(`seed ${seed}: ${runs} runs so far, ${refused.length} refused\n${refused.join('\n')}`);
    await keepFigures('npm run trust-figures -- verification', tableOf(tallies));
    if (performance.now() > deadline) break;
  }
  await remove();
}

async function tryTask(
  { start, precision }: RightTrainer,
  tally: Tally,
  name: string,
  task: PreparedTask,
  steps: number,
): Promise<void> {
  const trainer = await start(task);
  const forced = await forceSteps(trainer, new Teacher(task.training, precision), steps);
  await trainer.quit();
  tally.runs++;
  tally.steps += forced.losses.length;
  tally.worst = Math.max(tally.worst, forced.fractionOfBound);
  if (forced.wrong !== undefined) tally.refused.push(`${name}: ${forced.wrong.reason}`);
}

/** The tests' trainers in every arithmetic, and, if there is a compiler, the C rows compiled with `-Ofast`. */
async function rightTrainers(): Promise<{
  readonly trainers: readonly RightTrainer[];
  readonly remove: () => Promise<void>;
}> {
  const plain = rightArithmetics.map(
    (arithmetic): RightTrainer => ({
      name: arithmetic.name,
      precision: arithmetic.precision,
      start: async ({ training }) => stepwise(createPlainTrainer(training, arithmetic)),
    }),
  );
  const folder = await mkdtemp(join(tmpdir(), 'microgpt-bench-ofast-'));
  const root = join(folder, 'impls');
  await cp(implementationsRoot, root, { recursive: true });
  const loose: RightTrainer[] = [];
  for (const found of await discoverImplementations(root)) {
    if (isBroken(found) || found.manifest.build?.command.includes('-O3') !== true) continue;
    // A row in float32 may round by adding a large number and subtracting it. -Ofast removes that, and the row is then wrong.
    if (found.manifest.precision === 'float32') continue;
    if (!(await availability(found)).available) continue;
    const command = found.manifest.build.command.map((word) => (word === '-O3' ? '-Ofast' : word));
    const changed = { ...found, manifest: { ...found.manifest, build: { ...found.manifest.build, command } } };
    loose.push({
      name: `${found.manifest.precision}, ${found.name} compiled with -Ofast`,
      precision: found.manifest.precision,
      start: (task) => startTrainer(changed, task),
    });
  }
  return { trainers: [...plain, ...loose], remove: () => rm(folder, { recursive: true, force: true }) };
}

function tableOf(tallies: readonly Tally[]): string {
  const rows = tallies.map(({ name, runs, steps, worst, refused }) =>
    [name, runs, steps, worst.toFixed(2), refused.length].map(String),
  );
  const sum = (of: (tally: Tally) => number) =>
    tallies.reduce((total, tally) => total + of(tally), 0).toLocaleString('en-US');
  const total = ['all', sum(({ runs }) => runs), sum(({ steps }) => steps), '', sum(({ refused }) => refused.length)];
  return alignedTable([
    ['a right trainer', 'runs', 'steps', 'largest share of the bound', 'refused'],
    ...rows,
    total,
  ]).trimEnd();
}
