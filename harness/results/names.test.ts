import { describe, expect, it, test } from 'vitest';
import { benchResult, verifiedRow } from '../testing/example-result.ts';
import { benchmarkName, rowName, taskDifference, taskKey, taskName } from './names.ts';

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

const one = benchResult();

describe('two results', () => {
  it('of the same task are comparable, whatever the preset is called', () => {
    const { preset: _, ...task } = one.task;
    expect(taskDifference(one.task, task)).toBeUndefined();
    expect(taskKey(task)).toBe(taskKey(one.task));
  });

  it.each([
    ['nEmbd', 32],
    ['batch', 16],
    ['seed', 7],
    ['learningRate', 0.02],
    ['numSteps', 50],
    ['blockSize', 8],
  ] as const)('of another %s are not, and the reason says so', (field, value) => {
    const task = { ...one.task, [field]: value };
    expect(taskDifference(one.task, task)).toBe(`other ${field} (${one.task[field]} and ${value})`);
    expect(taskKey(task)).not.toBe(taskKey(one.task));
  });

  it('of another data set are not, even under the same name', () => {
    const task = { ...one.task, dataset: { ...one.task.dataset, sha256: 'f'.repeat(64) } };
    expect(taskDifference(one.task, task)).toContain('other data set');
    expect(taskKey(task)).not.toBe(taskKey(one.task));
  });
});
