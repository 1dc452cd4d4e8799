import { expect, test } from 'vitest';
import { mergeResults } from '../results/merged.ts';
import { machineLabel } from '../results/names.ts';
import { benchResult, refusedRow, verifiedRow } from '../testing/example-result.ts';
import { mergedMarkdown, mergedTables } from './merged-table.ts';

const here = benchResult({ rows: [verifiedRow({ implementation: 'one' }), refusedRow({ implementation: 'two' })] });
const there = benchResult({
  createdAt: '2026-02-02T03:04:05.000Z',
  rows: [verifiedRow({ implementation: 'two', steady: false }), verifiedRow({ implementation: 'three' })],
});
const merged = mergeResults([
  { path: 'a.json', result: here },
  { path: 'b.json', result: there },
]);

test('each machine has a column of its own, and a row that was refused shows no time', () => {
  const text = mergedTables(merged, { width: 80, color: false });
  expect(text).toContain('│ linux Some │ linux Some (2) │');
  expect(text).toMatch(/two +│ mismatch +│ ~50\.0 ±3\.0% │|two +│ +mismatch │ +~50\.0 ±3\.0% │/);
  expect(text).toMatch(/three .*×4\.0k \(3\.9k–4\.1k\)/);
  expect(text).toContain('~ still warming up when timed');
  expect(mergedMarkdown(merged)).toContain('| three |  | 50.0 ±3.0% |');
});

test.each([
  ['linux', 'AMD EPYC 9R14', 'linux AMD EPYC 9R14'],
  ['darwin', 'Apple M2 Pro', 'darwin Apple M2 Pro'],
  ['win32', 'Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz', 'win32 Intel Xeon Platinum 8370C'],
  ['linux', 'AMD Ryzen 9 7950X 16-Core Processor', 'linux AMD Ryzen 9 7950X'],
])('a machine is named by system and processor: %s, %s', (platform, cpu, label) => {
  expect(machineLabel({ platform, cpu })).toBe(label);
});
