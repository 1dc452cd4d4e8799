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
    expect(text).not.toContain('multiply-adds');
  });

  it('end with what threads can gain, by the size that was disturbed least', () => {
    const { machine } = benchResult();
    const measured = (overOne: number) =>
      benchResult({
        rows: [verifiedRow({ threads: 2 })],
        machine: { ...machine, threadsGain: { threads: 2, overOne } },
      });
    expect(scalingTables([measured(1.21), measured(1.28), measured(0.9)], page)).toMatch(/\n\n2 threads do ×1\.28 of/);
  });
});
