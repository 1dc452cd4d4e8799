import { describe, expect, it } from 'vitest';
import { benchResult, refusedRow, verifiedRow } from '../testing/example-result.ts';
import { UsageError } from '../usage-error.ts';
import { mergeResults } from './merged.ts';

const here = benchResult({ rows: [verifiedRow({ implementation: 'one' }), refusedRow({ implementation: 'two' })] });
const there = benchResult({ rows: [verifiedRow({ implementation: 'two' }), verifiedRow({ implementation: 'three' })] });

describe('joined results', () => {
  const merged = mergeResults([
    { path: 'a.json', result: here },
    { path: 'b.json', result: there },
  ]);

  it('have a row for every implementation, with a gap where a machine has none', () => {
    expect(
      merged.rows.map(({ implementation, results }) => [implementation, ...results.map((row) => row?.status)]),
    ).toEqual([
      ['one', 'verified', undefined],
      ['two', 'mismatch', 'verified'],
      ['three', undefined, 'verified'],
    ]);
  });

  it('of different tasks are refused, with the file and the difference', () => {
    const other = benchResult({ task: { ...here.task, nEmbd: 64 } });
    const sources = [
      { path: 'a.json', result: here },
      { path: 'b.json', result: other },
    ];
    expect(() => mergeResults(sources)).toThrow(UsageError);
    expect(() => mergeResults(sources)).toThrow('b.json cannot be joined with a.json: other nEmbd (16 and 64)');
  });

  it('refuse one run that is given twice, under another name too', () => {
    const sources = [
      { path: 'a.json', result: here },
      { path: 'copy.json', result: structuredClone(here) },
    ];
    expect(() => mergeResults(sources)).toThrow('copy.json holds the same run as a.json; name each result once');
  });
});
