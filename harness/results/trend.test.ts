import { describe, expect, it } from 'vitest';
import { benchResult } from '../testing/example-result.ts';
import { type HistoryRecord, historyRecord } from './history.ts';
import { trendsOf } from './trend.ts';

function record(day: number, microseconds: number, change: Partial<HistoryRecord> = {}): HistoryRecord {
  const base = historyRecord(benchResult());
  const interval = { median: microseconds, low: microseconds, high: microseconds };
  return {
    ...base,
    createdAt: `2026-01-${String(day).padStart(2, '0')}T00:00:00.000Z`,
    commit: `commit${day}`,
    rows: [{ implementation: 'fast', microsecondsPerSample: interval, processes: 8, steady: true }],
    ...change,
  };
}

describe('a trend', () => {
  it('names the first run on a new level and the last on the old one', () => {
    const records = [50, 50.2, 49.9, 50.1, 50, 55.1, 55, 54.9, 55.2].map((time, i) => record(i + 1, time));
    const [trend] = trendsOf(records);
    expect(trend.steps).toHaveLength(1);
    expect(trend.steps[0]).toMatchObject({ at: { commit: 'commit6' }, before: { commit: 'commit5' } });
    expect(trend.steps[0].ratio).toBeCloseTo(1.1, 2);
  });

  it('never mixes machines, tasks or runtimes', () => {
    const base = historyRecord(benchResult());
    const trends = trendsOf([
      record(1, 50),
      record(2, 50, { machine: { ...base.machine, fingerprint: 'other' } }),
      record(3, 50, { task: { ...base.task, nEmbd: 32 } }),
      record(4, 50, { runtime: { name: 'node', version: '27.0.0' } }),
      record(5, 50),
    ]);
    expect(trends.map(({ points }) => points.length)).toEqual([2, 1, 1, 1]);
  });
});
