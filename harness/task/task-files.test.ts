import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TrainingTask } from '../../impls/contract.ts';
import { taskFlags, writeTaskFiles } from './task-files.ts';

const training: TrainingTask = {
  model: { nEmbd: 8, nHead: 2, nLayer: 3, blockSize: 5, vocabSize: 4 },
  tokens: Int32Array.of(3, 0, 258),
  offsets: Int32Array.of(0, 3),
  parameters: Float64Array.of(1, -2),
  batch: 6,
  numSteps: 7,
  learningRate: 1e-7,
};
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'microgpt-bench-files-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('writes little-endian numbers into a folder that it makes', async () => {
  const files = await writeTaskFiles(training, join(folder, 'new'));
  expect((await readFile(files.tokens)).toString('hex')).toBe('030000000000000002010000');
  expect((await readFile(files.offsets)).toString('hex')).toBe('0000000003000000');
  expect((await readFile(files.parameters)).toString('hex')).toBe('000000000000f03f00000000000000c0');
  expect(Object.values(files).every((path) => isAbsolute(path))).toBe(true);
});

it('names every size and file as the protocol does, and keeps the sign of a seed, which Python ignores, off the words', () => {
  const files = { tokens: '/a/t', offsets: '/a/o', parameters: '/a/p' };
  expect(taskFlags(files, training, -9).join(' ')).toBe(
    '--tokens /a/t --offsets /a/o --parameters /a/p --vocab-size 4 --n-embd 8 --n-head 2 --n-layer 3 --block-size 5 ' +
      '--batch 6 --num-steps 7 --learning-rate 1e-7 --seed 9',
  );
});
