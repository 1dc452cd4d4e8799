import { describe, expect, it } from 'vitest';
import { benchResult, refusedRow, verifiedRow } from '../testing/example-result.ts';
import { scalingTables } from './scaling-table.ts';

const page = { width: 80, color: false };

describe('the scaling tables', () => {
  const { task } = benchResult();
  const rows = (median: number) => [
    verifiedRow({
      microsecondsPerSample: { median, low: 0.98 * median, high: 1.02 * median },
      gflops: 17.6,
      fractionOfPeak: 0.38,
    }),
    refusedRow(),
  ];
  const results = [
    benchResult({ rows: rows(8.4) }),
    benchResult({ task: { ...task, preset: 'd64', nEmbd: 64, parameterCount: 53_504 }, rows: rows(100) }),
  ];

  it('have a column a task, for time, time per parameter and share of the peak, and no row without a time', () => {
    const text = scalingTables(results, page);
    expect(text).toMatch(/implementation │ +d16 │ +d64 │/);
    expect(text).toMatch(/µs per document[\s\S]*fast +│ 8\.40 ±2\.0% │ 100 ±2\.0% │/);
    expect(text).toMatch(/ns per document and parameter[\s\S]*fast +│ +2\.00 │ +1\.87 │/);
    expect(text).toMatch(/GFLOP\/s[\s\S]*fast +│ 17\.6 │/);
    expect(text).toMatch(/peak[\s\S]*fast +│ 38% │/);
    expect(text).not.toContain('multiply-adds');
  });

  it('have the intervals below the times where there is no room beside them', () => {
    expect(scalingTables(results, { ...page, width: 40 })).toMatch(/fast +│ +8\.40 │ +100 │\n│ +│ ±2\.0% │ ±2\.0% │/);
    expect(scalingTables(results, { ...page, width: 20 })).toMatch(/fast\n {2}d16: 8\.40 ±2\.0%\n/);
  });

  it('end with why rows have no time, once for all sizes, with rows that still warmed up, and with noisy sizes', () => {
    const sizes = ['d16', 'd32', 'd64'].map((preset) => ({ ...task, preset }));
    const declined = refusedRow({ implementation: 'big', status: 'unsupported', reason: 'too little' });
    const noise = { ...benchResult().noise, warnings: ['load 3.5'] };
    const [d16, d32, d64] = sizes;
    const text = scalingTables(
      [
        benchResult({ task: d16, rows: [verifiedRow({ steady: false }), declined, refusedRow()], noise }),
        benchResult({ task: d32, rows: [verifiedRow(), declined, refusedRow({ reason: 'another' })] }),
        benchResult({ task: d64, rows: [verifiedRow(), verifiedRow({ implementation: 'big' }), refusedRow()] }),
      ],
      page,
    );
    expect(text.split('\n').slice(-5)).toEqual([
      '',
      'big: unsupported at d16, d32: too little',
      'wrong: mismatch: step 2: expected 3.4, got 3.5',
      '~ still warming up when timed',
      'noisy: d16; npm run show -- RESULT says why',
    ]);
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
