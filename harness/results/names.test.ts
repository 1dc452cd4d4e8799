import { expect, test } from 'vitest';
import { benchResult, verifiedRow } from '../testing/example-result.ts';
import { benchmarkName, rowName, taskName } from './names.ts';

const { task } = benchResult();

test('a row is named after its implementation, and its runtime where several ran', () => {
  expect(rowName(verifiedRow())).toBe('fast');
  expect(rowName(verifiedRow({ runtime: 'bun' }))).toBe('fast (bun)');
});

test('a task of the original’s constants is named by preset and data set', () => {
  expect(taskName(task)).toBe('d16, us-names-2016');
  expect(benchmarkName(task, verifiedRow())).toBe('fast [d16, us-names-2016]');
});

test.each([
  [{ seed: 7 }, 'd16, us-names-2016, seed 7'],
  [{ numSteps: 500 }, 'd16, us-names-2016, 500 steps'],
  [{ learningRate: 0.02 }, 'd16, us-names-2016, learning rate 0.02'],
  [{ preset: undefined }, 'n_embd 16, n_head 4, n_layer 1, block_size 16, batch 1, us-names-2016'],
])('tasks that differ in %j never share a name', (change, name) => {
  expect(taskName({ ...task, ...change })).toBe(name);
});
