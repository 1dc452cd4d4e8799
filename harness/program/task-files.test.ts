import { readFile, rm, writeFile } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { expect, it } from 'vitest';
import { prepareTask } from '../task/prepare-task.ts';
import { presets, taskDefaults } from '../task/presets.ts';
import { taskFilesHold, taskFlags, writeTaskFiles } from './task-files.ts';

it('writes little-endian numbers, and names the same file for the same numbers', async () => {
  const task = await prepareTask({ ...taskDefaults, ...presets.d16, nEmbd: 4 });
  const training = { ...task.training, tokens: Int32Array.of(3, 258), parameters: Float64Array.of(1, -2) };
  const files = await writeTaskFiles(training, 'reader');
  expect((await readFile(files.tokens)).toString('hex')).toBe('0300000002010000');
  expect((await readFile(files.parameters)).toString('hex')).toBe('000000000000f03f00000000000000c0');
  expect(await writeTaskFiles({ ...training }, 'reader')).toEqual(files);
});

it('tells a program every size by the flags of the protocol, and the files by absolute paths', async () => {
  const task = await prepareTask({
    ...taskDefaults,
    ...{ nEmbd: 8, nHead: 2, nLayer: 3, blockSize: 5, batch: 6, numSteps: 7, learningRate: 1e-7, seed: 9 },
  });
  const words = await taskFlags(task, 'reader');
  const flags = Object.fromEntries(Array.from({ length: words.length / 2 }, (_, i) => words.slice(2 * i, 2 * i + 2)));
  const { '--tokens': tokens, '--offsets': offsets, '--parameters': parameters, ...sizes } = flags;
  expect([tokens, offsets, parameters].every((path) => isAbsolute(path))).toBe(true);
  expect(sizes).toEqual({
    '--vocab-size': '27',
    '--n-embd': '8',
    '--n-head': '2',
    '--n-layer': '3',
    '--block-size': '5',
    '--batch': '6',
    '--num-steps': '7',
    '--learning-rate': '1e-7',
    '--seed': '9',
  });
});

it('has files of its own for every reader, so that damage is blamed on the right one', async () => {
  const task = await prepareTask({ ...taskDefaults, ...presets.d16, nEmbd: 4 });
  const training = { ...task.training, tokens: Int32Array.of(8, 9) };
  const [damaging, other] = [await writeTaskFiles(training, 'damaging'), await writeTaskFiles(training, 'other')];
  await rm(damaging.tokens);
  expect(['damaging', 'other'].map((reader) => taskFilesHold(training, reader))).toEqual([false, true]);
  expect(await readFile(other.tokens)).toHaveLength(8);
});

it('writes a damaged file anew, also where its size is the same', async () => {
  const task = await prepareTask({ ...taskDefaults, ...presets.d16, nEmbd: 4 });
  const training = { ...task.training, tokens: Int32Array.of(5, 6, 7) };
  const files = await writeTaskFiles(training, 'reader');
  for (const damage of ['x'.repeat(12), '', undefined]) {
    if (damage === undefined) await rm(files.tokens);
    else await writeFile(files.tokens, damage);
    expect(await writeTaskFiles(training, 'reader')).toEqual(files);
    expect((await readFile(files.tokens)).toString('hex')).toBe('050000000600000007000000');
  }
});
