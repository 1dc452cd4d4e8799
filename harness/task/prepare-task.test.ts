import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../usage-error.ts';
import { prepareTask } from './prepare-task.ts';
import { presets, taskDefaults } from './presets.ts';
import type { PreparedTask, TaskRequest } from './task.ts';
import { limits } from './task-of-dataset.ts';

const original: TaskRequest = { ...taskDefaults, ...presets.d16 };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'microgpt-bench-task-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(lines: readonly string[]): Promise<string> {
  const path = join(folder, 'data.txt');
  await writeFile(path, lines.join('\n'));
  return path;
}

function documentTokens({ training: { tokens, offsets } }: PreparedTask, d: number): number[] {
  return [...tokens.subarray(offsets[d], offsets[d + 1])];
}

describe('prepareTask', () => {
  it('describes the original’s sizes', async () => {
    expect((await prepareTask(original)).description).toEqual({
      preset: 'd16',
      dataset: {
        name: 'us-names-2016',
        sha256: '627ce1b911bad87066fb821c8c8a361ca72f6a670e8ab77687285a6759f20420',
        documents: 32_868,
      },
      nEmbd: 16,
      nHead: 4,
      nLayer: 1,
      blockSize: 16,
      vocabSize: 27,
      parameterCount: 4192,
      batch: 1,
      seed: 42,
      numSteps: 1000,
      learningRate: 0.01,
    });
  });

  it('draws what Python draws: first the shuffle, then the parameters, then what samples need', async () => {
    const task = await prepareTask(original);
    // Printed by Python 3.11 after the same shuffle and the same 4,192 draws of gauss(0, 0.08).
    const spell = (d: number) =>
      documentTokens(task, d)
        .map((token) => task.characters[token] ?? '.')
        .join('');
    expect([0, 1, 2, 3].map(spell)).toEqual(['.briana.', '.gillian.', '.isadora.', '.marlowe.']);
    const { parameters } = task.training;
    expect([...parameters.subarray(0, 3)]).toEqual([0.08213648227415588, -0.036011968656176764, -0.12047466462352517]);
    expect(parameters.at(-1)).toBe(0.05726164868233927);
    expect(task.randomAfterInit().random()).toBe(0.9368384050281748);
  });

  it('hands out the generator afresh each time', async () => {
    const task = await prepareTask(original);
    task.randomAfterInit().random();
    expect(task.randomAfterInit().random()).toBe(0.9368384050281748);
  });

  it('cuts a document to the tokens of its first blockSize positions', async () => {
    const task = await prepareTask({ ...original, dataset: await fileOf(['abcdef']), blockSize: 3 });
    expect(documentTokens(task, 0)).toEqual([6, 0, 1, 2]);
  });

  it('lays every document out as [BOS, …] without gaps, in a shuffled order', async () => {
    const names = fc.array(fc.string({ unit: fc.constantFrom(...'abcxyz😀'), minLength: 1, maxLength: 12 }), {
      minLength: 1,
    });
    await fc.assert(
      fc.asyncProperty(names, fc.integer({ min: 1, max: 16 }), fc.integer(), async (lines, blockSize, seed) => {
        const task = await prepareTask({ ...original, dataset: await fileOf(lines), blockSize, seed });
        const { tokens, offsets, model } = task.training;
        expect(offsets[0]).toBe(0);
        expect(offsets.at(-1)).toBe(tokens.length);
        const bos = model.vocabSize - 1;
        const whole = (line: string) => [bos, ...Array.from(line, (c) => task.characters.indexOf(c)), bos];
        const expected = lines.map((line) =>
          whole(line)
            .slice(0, blockSize + 1)
            .join(),
        );
        const actual = lines.map((_, d) => documentTokens(task, d).join());
        expect(actual.toSorted()).toEqual(expected.toSorted());
      }),
      { numRuns: 50 },
    );
  });

  it.each<[Partial<TaskRequest>, RegExp]>([
    [{ nEmbd: 16, nHead: 3 }, /--n-embd 16 is not divisible by --n-head 3/],
    [{ nEmbd: 0 }, /--n-embd must be a whole number from 1 to 4096, not 0/],
    [{ nHead: -4 }, /--n-head .* not -4/],
    [{ nLayer: 1.5 }, /--n-layer .* not 1\.5/],
    [{ blockSize: Number.NaN }, /--block-size .* not NaN/],
    [{ batch: 1e9 }, /--batch .* not 1000000000/],
    [{ numSteps: 0 }, /--num-steps .* not 0/],
    [{ seed: 2 ** 60 }, /--seed /],
    [{ learningRate: 0 }, /--learning-rate must be a positive number, not 0/],
    [{ learningRate: Number.POSITIVE_INFINITY }, /--learning-rate .* not Infinity/],
    [{ nEmbd: 4096, nLayer: 128 }, /make \d+ parameters: expected at most/],
  ])('refuses %j in one line', async (part, message) => {
    const refusal = expect(prepareTask({ ...original, ...part })).rejects;
    await refusal.toThrow(UsageError);
    await refusal.toThrow(message);
  });

  it('refuses a data set with more characters than a vocabulary may have', async () => {
    const characters = (count: number) => Array.from({ length: count }, (_, i) => String.fromCodePoint(0x4e00 + i));
    const most = limits.vocabSize - 1;
    const task = await prepareTask({ ...original, dataset: await fileOf(characters(most)) });
    expect(task.description.vocabSize).toBe(limits.vocabSize);
    const dataset = await fileOf(characters(most + 1));
    await expect(prepareTask({ ...original, dataset })).rejects.toThrow(
      /data\.txt has 4096 different characters: expected at most 4095/,
    );
  });
});
