import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { namedDatasets } from '../task/dataset.ts';
import { parameterLayout } from '../task/parameter-layout.ts';
import { goldenRuns, presets, taskDefaults } from '../task/presets.ts';
import type { TaskDescription } from '../task/task.ts';
import { sha256 } from './cached-json.ts';
import { findGolden, type Golden, goldenFolder, readGolden } from './golden.ts';

type GoldenRun = (typeof goldenRuns)[number];

function descriptionOf(run: Pick<GoldenRun, 'preset' | 'dataset'>): TaskDescription {
  const { seed, numSteps, learningRate } = taskDefaults;
  return {
    preset: run.preset,
    dataset: { name: run.dataset, sha256: namedDatasets[run.dataset].sha256, documents: 1 },
    ...presets[run.preset],
    vocabSize: 27,
    parameterCount: 1,
    seed,
    numSteps,
    learningRate,
  };
}

async function goldenOf(run: Pick<GoldenRun, 'preset' | 'dataset'>): Promise<Golden> {
  const golden = await findGolden(descriptionOf(run));
  if (golden === undefined) throw new Error(`no golden trace of ${run.preset} on ${run.dataset}`);
  return golden;
}

describe.each(goldenRuns)('the golden trace of $preset on $dataset', (run) => {
  it('has the losses of every step it promises', async () => {
    const { losses } = await goldenOf(run);
    expect(losses).toHaveLength(run.steps);
    expect(losses.every(Number.isFinite)).toBe(true);
  });

  it('has a gradient for every matrix, from every row and column of it', async () => {
    const golden = await goldenOf(run);
    const layout = parameterLayout(golden).map(({ name, rows, columns }) => ({ name, rows, columns }));
    expect(golden.gradients.map(({ name, rows, columns }) => ({ name, rows, columns }))).toEqual(layout);
    for (const { rows, columns, stride, values } of golden.gradients) {
      expect(values).toHaveLength(Math.ceil((rows * columns) / stride));
      const indices = Array.from(values, (_, i) => i * stride);
      expect(new Set(indices.map((i) => Math.floor(i / columns))).size).toBe(rows);
      expect(new Set(indices.map((i) => i % columns)).size).toBe(columns);
    }
  });

  it('has sums and norms that fit the entries', async () => {
    for (const { stride, values, sum, norm } of (await goldenOf(run)).gradients) {
      const partialNorm = Math.hypot(...values);
      expect(partialNorm).toBeLessThanOrEqual(norm * (1 + 1e-12));
      if (stride > 1) continue;
      expect(partialNorm).toBeCloseTo(norm, 12);
      expect(values.reduce((total, g) => total + g, 0)).toBeCloseTo(sum, 12);
    }
  });
});

describe('the golden trace of the original', () => {
  it('shows the losses that the original is known for', async () => {
    const { losses } = await goldenOf({ preset: 'd16', dataset: 'names' });
    const rounded = [1, 2, 3, 1000].map((step) => losses[step - 1].toFixed(4));
    expect(rounded).toEqual(['3.3660', '3.4243', '3.1778', '2.6497']);
  });

  it('shows the names that the original invents', async () => {
    const { samples } = await goldenOf({ preset: 'd16', dataset: 'names' });
    expect(samples.join(' ')).toBe(
      'kamon ann karai jaire vialan karia yeran anna areli kaina konna keylen liole alerin earan lenne kana lara alela anton',
    );
  });
});

describe('findGolden', () => {
  const task = descriptionOf({ preset: 'd16', dataset: 'us-names-2016' });

  it('asks for what is trained, not for what it is called', async () => {
    const { preset: _, ...unnamed } = task;
    expect(await findGolden({ ...unnamed, dataset: { ...task.dataset, name: 'copy.txt' } })).toBeDefined();
  });

  it.each<Partial<TaskDescription>>([
    { dataset: { name: 'us-names-2016', sha256: '0'.repeat(64), documents: 32_868 } },
    { nEmbd: 20 },
    { nHead: 2 },
    { nLayer: 2 },
    { blockSize: 15 },
    { batch: 2 },
    { seed: 43 },
    { numSteps: 999 },
    { learningRate: 0.011 },
  ])('has none for a task that differs by %j', async (difference) => {
    expect(await findGolden({ ...task, ...difference })).toBeUndefined();
  });
});

it('refuses a golden file in which one digit was changed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'microgpt-bench-golden-'));
  const path = join(folder, 'changed.json');
  const text = await readFile(join(goldenFolder, 'us-names-2016-d16.json'), 'utf8');
  await writeFile(path, text);
  await readGolden(path);
  await writeFile(
    path,
    text.replace(/(?<="losses": \[\s*\d\.)\d/, (digit) => String((Number(digit) + 1) % 10)),
  );
  await expect(readGolden(path)).rejects.toThrow(/changed\.json: no golden trace \(.*"sha256": not that of the rest/);
  await rm(folder, { recursive: true });
});

it('says which golden file is malformed, and where', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'microgpt-bench-golden-'));
  const path = join(folder, 'bad.json');
  const content = { schemaVersion: 1, losses: ['3.4'] };
  await writeFile(path, JSON.stringify({ ...content, sha256: sha256(content) }));
  await expect(readGolden(path)).rejects.toThrow(/bad\.json: no golden trace \(field "dataset".*git checkout/);
  await rm(folder, { recursive: true });
});
