import { describe, expect, it } from 'vitest';
import { benchResult, refusedRow, verifiedRow } from '../testing/example-result.ts';
import { scalingTables } from './scaling-table.ts';

const page = { width: 80, color: false };

describe('the scaling tables', () => {
  const { task } = benchResult();
  const rows = (median: number) => [
    verifiedRow({ microsecondsPerSample: { median, low: median, high: median }, gflops: 17.6, fractionOfPeak: 0.38 }),
    refusedRow(),
  ];
  const results = [
    benchResult({ rows: rows(8.4) }),
    benchResult({ task: { ...task, preset: 'd64', nEmbd: 64, parameterCount: 53_504 }, rows: rows(100) }),
  ];

  it('have a column a task, for time, time per parameter and share of the peak, and no row without a time', () => {
    const text = scalingTables(results, page);
    expect(text).toMatch(/implementation │ +d16 │ +d64 │/);
    expect(text).toMatch(/µs per document[\s\S]*fast +│ +8\.40 │ +100 │/);
    expect(text).toMatch(/ns per document and parameter[\s\S]*fast +│ +2\.00 │ +1\.87 │/);
    expect(text).toMatch(/GFLOP\/s[\s\S]*fast +│ 17\.6 │/);
    expect(text).toMatch(/peak[\s\S]*fast +│ 38% │/);
    expect(text).not.toContain('wrong');
  });
});
