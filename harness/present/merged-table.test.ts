import { expect, test } from 'vitest';
import { mergeResults } from '../results/merged.ts';
import { benchResult, refusedRow, verifiedRow } from '../testing/example-result.ts';
import { mergedMarkdown, mergedTables } from './merged-table.ts';

test('each machine has a column of its own, and a row that was refused shows no time', () => {
  const here = benchResult({ rows: [verifiedRow({ implementation: 'one' }), refusedRow({ implementation: 'two' })] });
  const there = benchResult({
    rows: [verifiedRow({ implementation: 'two' }), verifiedRow({ implementation: 'three' })],
  });
  const merged = mergeResults([
    { path: 'a.json', result: here },
    { path: 'b.json', result: there },
  ]);
  const text = mergedTables(merged, { width: 80, color: false });
  expect(text).toMatch(/two +│ mismatch │ +50\.0 │/);
  expect(text).toContain('A: ');
  expect(text).toContain('B: ');
  expect(mergedMarkdown(merged)).toContain('| three |  | 50.0 |');
});
