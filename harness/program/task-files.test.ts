import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { prepareTask } from '../task/prepare-task.ts';
import { taskDefaults } from '../task/presets.ts';
import { smallTask } from '../testing/small-task.ts';
import { writeTaskFiles } from './task-files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'task files '));
});
afterEach(() => rm(folder, { recursive: true }));

it('writes little-endian numbers', async () => {
  const task = smallTask();
  const training = { ...task.training, tokens: Int32Array.of(3, 258), parameters: Float64Array.of(1, -2) };
  await writeTaskFiles({ ...task, training }, folder);
  expect((await readFile(join(folder, 'task.tokens'))).toString('hex')).toBe('0300000002010000');
  expect((await readFile(join(folder, 'task.parameters'))).toString('hex')).toBe('000000000000f03f00000000000000c0');
});

it('tells a program every size by the flags of the protocol, and the files by absolute paths', async () => {
  const task = await prepareTask({
    ...taskDefaults,
    ...{ nEmbd: 8, nHead: 2, nLayer: 3, blockSize: 5, batch: 6, numSteps: 7, learningRate: 1e-7, seed: 9 },
  });
  const words = (await writeTaskFiles(task, folder)).flags;
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

it('leaves the files of an earlier task as they are: a program may have them open', async () => {
  const first = await writeTaskFiles(smallTask(), folder);
  const second = await writeTaskFiles(smallTask(), folder, 'second');
  expect(first.flags.filter((word) => isAbsolute(word) && second.flags.includes(word))).toEqual([]);
});

it.each([
  ['removed', (file: string) => rm(file)],
  ['cut', (file: string) => writeFile(file, '')],
  [
    'overwritten by as many bytes',
    async (file: string) => writeFile(file, new Uint8Array((await readFile(file)).length)),
  ],
])('sees that a file was %s', async (_, damage) => {
  const files = await writeTaskFiles(smallTask(), folder);
  expect(files.hold()).toBe(true);
  await damage(join(folder, 'task.tokens'));
  expect(files.hold()).toBe(false);
});

it('minds no file that was written anew with what it held', async () => {
  const files = await writeTaskFiles(smallTask(), folder);
  const tokens = join(folder, 'task.tokens');
  await writeFile(tokens, await readFile(tokens));
  expect(files.hold()).toBe(true);
});
