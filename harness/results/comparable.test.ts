import { describe, expect, it } from 'vitest';
import { benchResult } from '../present/export/example-result.ts';
import { incomparability, taskDifference, taskKey } from './comparable.ts';

const one = benchResult();

describe('two results', () => {
  it('of the same task, machine and runtime are comparable, whatever the preset is called', () => {
    const { preset: _, ...task } = one.task;
    expect(incomparability(one, { ...one, task, createdAt: '2027-01-01T00:00:00.000Z' })).toBeUndefined();
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

  it('of another machine or runtime are not', () => {
    const machine = { ...one.machine, fingerprint: 'other' };
    expect(incomparability(one, { ...one, machine })).toContain('other machine');
    expect(incomparability(one, { ...one, runtime: { name: 'node', version: '1.2.3' } })).toContain('other runtime');
  });
});
