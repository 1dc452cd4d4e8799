import { describe, expect, it } from 'vitest';
import { benchResult } from '../testing/example-result.ts';
import { taskDifference, taskKey } from './comparable.ts';

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
