import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeTaskFiles } from '../program/task-files.ts';
import { projectRoot } from '../project.ts';
import { namedDatasets } from '../task/dataset.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { presets, taskDefaults } from '../task/presets.ts';
import { findGolden } from './golden.ts';

const reference = join(projectRoot, 'reference');
const hasPython = spawnSync('python3', ['--version']).status === 0;
const originalData = namedDatasets.names.path;
const usNames = namedDatasets['us-names-2016'].path;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'microgpt-bench-reference-'));
});
afterAll(() => rm(folder, { recursive: true }));

function python(words: readonly string[], input = ''): { stdout: string; stderr: string; status: number | null } {
  return spawnSync('python3', ['-B', ...words], { cwd: reference, encoding: 'utf8', input, maxBuffer: 2 ** 26 });
}

function train(dataset: string, ...flags: string[]): { losses: number[]; gradients: number[]; samples: string[] } {
  const { stdout, stderr } = python(['microgpt.py', dataset, '--json', ...flags]);
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

/** Losses of order 1 of the same float64 operations: apart by no more than another C library's last bits can make them. */
function expectSame(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [i, value] of actual.entries()) expect(Math.abs(value - expected[i])).toBeLessThan(1e-13);
}

describe.skipIf(!hasPython)(`the Python reference${hasPython ? '' : ' (skipped: python3 not found)'}`, () => {
  it('still computes the golden losses and gradients', async () => {
    const task = await prepareTask({ ...taskDefaults, ...presets.d16 });
    const golden = await findGolden(task.description);
    const { losses, gradients } = train(usNames, '--steps', '3', '--gradients', '1');
    expectSame(losses, golden?.losses.slice(0, 3) ?? []);
    expectSame(gradients, golden?.gradients.flatMap(({ values }) => [...values]) ?? []);
  });

  const missing = existsSync(originalData) ? '' : ` (skipped: no names.txt; fetch it with \`npm run data\`)`;
  it.skipIf(missing !== '')(`starts as the original does on its own data set${missing}`, () => {
    const { losses } = train(originalData, '--steps', '3');
    expect(losses.map((loss) => loss.toFixed(4))).toEqual(['3.3660', '3.4243', '3.1778']);
  });

  it('computes gradients that central differences of the loss confirm', () => {
    const script = `
import random, microgpt as m
random.seed(7)
config = m.Config(n_embd=4, n_head=2, n_layer=2, block_size=5, vocab_size=4)
start = [3 * p for p in m.initial_parameters(config)]
documents = [[3, 0, 1, 2, 1, 0], [3, 2, 2, 3], [3, 1, 3]]
trainer = m.Trainer(config, start, documents, batch=2, num_steps=10, learning_rate=0.01)
worst = 0
gradients = trainer.gradients()
def loss():
    return sum(m.document_loss(config, trainer.model, tokens).data for tokens in documents[:2]) / 2
for i in range(0, len(start), 7):
    p, h = trainer.parameters[i], 1e-5
    p.data = start[i] + h; above = loss()
    p.data = start[i] - h; below = loss()
    p.data = start[i]
    worst = max(worst, abs((above - below) / (2 * h) - gradients[i]))
print(worst)`;
    const { stdout, stderr } = python(['-c', script]);
    expect(stderr).toBe('');
    expect(Number(stdout)).toBeLessThan(1e-8);
  });

  it('takes the mean over the documents of a batch, one batch after the other, around the data set', async () => {
    const threeNames = join(folder, 'three.txt');
    await writeFile(threeNames, 'ada\ngrace\nbarbara\n');
    const sizes = ['--n-embd', '4', '--n-head', '2', '--learning-rate', '1e-300'];
    const single = train(threeNames, '--steps', '3', ...sizes).losses;
    const batched = train(threeNames, '--steps', '2', '--batch', '2', ...sizes).losses;
    expectSame(batched, [(single[0] + single[1]) / 2, (single[2] + single[0]) / 2]);
  });

  it.each([
    { flags: ['--n-head', '3'], says: '--n-embd 16 is not divisible by --n-head 3' },
    { flags: ['--steps', '1001'], says: '--steps must lie between 0 and --num-steps 1000, not 1001' },
    { flags: ['--batch', '0'], says: '--batch must be at least 1, not 0' },
  ])('refuses $flags', ({ flags, says }) => {
    const { status, stderr } = python(['microgpt.py', usNames, ...flags]);
    expect({ status, last: stderr.trim().split('\n').at(-1) }).toEqual({
      status: 2,
      last: `microgpt.py: error: ${says}`,
    });
  });

  it('as a competitor trains what the files say, and answers every word of the protocol', async () => {
    const task = await prepareTask({ ...taskDefaults, ...presets.d16, nEmbd: 8, nHead: 2, numSteps: 9 });
    const { flags } = await writeTaskFiles(task, folder);
    const gradientFile = join(folder, 'its gradients');
    const parameterFile = join(folder, 'its parameters');
    const words = [
      'train 2',
      `gradients ${gradientFile}`,
      'train 1',
      'reset 0',
      'train 3',
      'reset 0',
      `parameters ${parameterFile}`,
      'sing',
      'train many',
      'quit',
      'train 1',
    ];
    const { stdout, status } = python(['serve.py', ...flags], words.join('\n'));
    const answers = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

    const own = train(
      usNames,
      '--n-embd',
      '8',
      '--n-head',
      '2',
      '--num-steps',
      '9',
      '--steps',
      '3',
      '--gradients',
      '3',
    );
    expect(status).toBe(0);
    expect(answers[0]).toEqual({ ready: 2 });
    expectSame([...answers[1].losses, ...answers[3].losses], own.losses);
    expect(answers[1].nanoseconds).toBeGreaterThan(0);
    expect(answers[2]).toEqual({ gradients: task.description.parameterCount });
    expectSame(float64s(await readFile(gradientFile)), own.gradients);
    expect(answers[4]).toEqual({ reset: true });
    expectSame(answers[5].losses, own.losses);
    expect(answers[7]).toEqual({ parameters: task.description.parameterCount });
    expect(float64s(await readFile(parameterFile))).toEqual([...task.training.parameters]);
    expect(answers[8]).toEqual({ error: expect.stringContaining('sing') });
    expect(answers[9]).toEqual({ error: expect.stringContaining('train many') });
    expect(answers).toHaveLength(10);
  });

  it('as a competitor answers null for a loss that is no number', async () => {
    const task = await prepareTask({ ...taskDefaults, ...presets.d16, nEmbd: 4, nHead: 2 });
    const training = { ...task.training, parameters: task.training.parameters.map(() => Number.NaN) };
    const { flags } = await writeTaskFiles({ ...task, training }, folder);
    const [, answer] = python(['serve.py', ...flags], 'train 1').stdout.split('\n');
    expect(JSON.parse(answer).losses).toEqual([null]);
  });
});

function float64s(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readDoubleLE(8 * i));
}
