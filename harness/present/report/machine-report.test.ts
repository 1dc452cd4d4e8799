import { describe, expect, it } from 'vitest';
import { historyRecord } from '../../results/history.ts';
import { benchResult } from '../../testing/example-result.ts';
import { UsageError } from '../../usage-error.ts';
import { machineReports, trendsOfMachine } from './machine-report.ts';

const base = benchResult();
const of = (change: Partial<typeof base>, path = 'a.json') => ({ path, result: { ...base, ...change } });
const d64 = { task: { ...base.task, preset: 'd64', nEmbd: 64, parameterCount: 54_528 } };
const other = { machine: { ...base.machine, fingerprint: 'g', cpu: 'Other CPU' } };

describe('results in a report', () => {
  it('are sorted by size, and the smallest is the headline', () => {
    const [machine, ...others] = machineReports([of(d64), of({})]);
    expect(others).toEqual([]);
    expect(machine.sizes.map(({ task }) => task.preset)).toEqual(['d16', 'd64']);
    expect(machine.result.task.preset).toBe('d16');
  });

  it('of one machine and task: the newest counts', () => {
    const newer = { createdAt: '2026-02-02T00:00:00.000Z', commit: 'newer' };
    const [machine] = machineReports([of(newer), of({})]);
    expect(machine.sizes.map(({ commit }) => commit)).toEqual(['newer']);
  });

  it('of several machines stand side by side, the newest first, told apart by letters', () => {
    const machines = machineReports([of({}), of({ ...other, createdAt: '2026-02-02T00:00:00.000Z' })]);
    expect(machines.map(({ name }) => name)).toEqual(['A: Other CPU, 2 cores', 'B: Some CPU, 2 cores']);
  });

  it.each([
    ['seed', { task: { ...base.task, seed: 7 } }, 'other seed (42 and 7)'],
    ['schedule', { task: { ...base.task, numSteps: 50 } }, 'other numSteps (1000 and 50)'],
    [
      'data set',
      { task: { ...base.task, dataset: { ...base.task.dataset, sha256: 'f'.repeat(64) } } },
      'other data set',
    ],
  ])('of another %s are refused, with file and difference', (_, change, difference) => {
    const mixed = () => machineReports([of({}), of(change, 'b.json')]);
    expect(mixed).toThrow(UsageError);
    expect(mixed).toThrow(/^b\.json: got a task that cannot stand beside a\.json's/);
    expect(mixed).toThrow(difference);
  });

  it('of machines without a common task are refused', () => {
    expect(() => machineReports([of({}), of({ ...d64, ...other })])).toThrow('no task in common');
  });

  it('have the history of their own machine, runtime and task', () => {
    const records = [
      of({}),
      of(d64),
      of(other),
      of({ runtime: { name: 'node', version: '27.0.0' } }),
      of({ createdAt: '2026-02-02T00:00:00.000Z' }),
    ].map(({ result }) => historyRecord(result));
    const [machine] = machineReports([of({})]);
    expect(trendsOfMachine(machine, records).map(({ points }) => points.length)).toEqual([2]);
  });
});
