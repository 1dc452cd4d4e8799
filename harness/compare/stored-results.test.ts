import { expect, test } from 'vitest';
import type { BenchResult, VerifiedRow } from '../results/schema.ts';
import { benchResult, refusedRow, verifiedRow } from '../testing/example-result.ts';
import { UsageError } from '../usage-error.ts';
import { compareStored } from './stored-results.ts';

const times = (factor: number) => [50, 50.4, 49.8, 50.2, 49.9, 50.1, 50.3, 49.7].map((time) => time * factor);
const row = (factor: number, change: Partial<VerifiedRow> = {}) =>
  verifiedRow({
    microsecondsPerSample: { median: 50 * factor, low: 49.7 * factor, high: 50.4 * factor },
    roundsMicrosecondsPerSample: times(factor),
    ...change,
  });
const result = (factor: number, change: Partial<BenchResult> = {}) => benchResult({ rows: [row(factor)], ...change });

function compare(base: BenchResult, head: BenchResult) {
  return compareStored(
    { file: 'a.json', result: base },
    { file: 'b.json', result: head },
    0.05,
    '2026-01-01T00:00:00.000Z',
  );
}
const verdict = (base: BenchResult, head: BenchResult) => {
  const [first] = compare(base, head).rows;
  return first?.status === 'compared' ? first.verdict : first?.status;
};

test('a slower head is a regression, a faster one an improvement, an equal one no change', () => {
  expect(verdict(result(1), result(1.2))).toBe('regression');
  expect(verdict(result(1), result(0.8))).toBe('improvement');
  expect(verdict(result(1), result(1))).toBe('no change');
  expect(verdict(result(1), result(1.05))).toBe('inconclusive');
});

test('times are divided by how long the calibrator took', () => {
  const slowMachine = { calibratorMicroseconds: [60, 60, 60], warnings: [] };
  const calmMachine = { calibratorMicroseconds: [50, 50, 50], warnings: [] };
  expect(verdict(result(1, { noise: calmMachine }), result(1.2, { noise: slowMachine }))).toBe('no change');
  expect(verdict(result(1, { noise: calmMachine }), result(1, { noise: slowMachine }))).toBe('improvement');
});

test('the notes call it weaker evidence, and name another machine, another runtime and a missing calibrator', () => {
  const base = result(1);
  const head = result(1, {
    machine: { ...base.machine, fingerprint: 'g', cpu: 'Other CPU' },
    runtime: { name: 'bun', version: '1.0' },
    noise: { calibratorMicroseconds: [], warnings: [] },
  });
  const notes = compare(base, head).notes.join('\n');
  expect(notes).toContain('weaker evidence');
  expect(notes).toContain('Some CPU and Other CPU');
  expect(notes).toContain('node 26.10.0 and bun 1.0');
  expect(notes).toContain('no calibrator');
  expect(compare(base, head).evidence).toBe('stored');
});

test('the result of another data set or configuration is refused, with the reason', () => {
  const { task } = benchResult();
  const otherData = { ...task, dataset: { ...task.dataset, name: 'other', sha256: '1'.repeat(64) } };
  expect(() => compare(result(1), result(1, { task: otherData }))).toThrow(UsageError);
  expect(() => compare(result(1), result(1, { task: otherData }))).toThrow(
    'a.json and b.json are not comparable: other data set',
  );
  expect(() => compare(result(1), result(1, { task: { ...task, nEmbd: 32 } }))).toThrow('other nEmbd (16 and 32)');
});

test('rows that were refused, are new or are gone have no verdict', () => {
  const rows = (...all: BenchResult['rows']) => benchResult({ rows: all });
  const base = rows(row(1), refusedRow({ implementation: 'x' }), row(1, { implementation: 'gone' }));
  const head = rows(row(1), row(1, { implementation: 'x' }), row(1, { implementation: 'new' }));
  expect(compare(base, head).rows.map(({ implementation, status }) => [implementation, status])).toEqual([
    ['fast', 'compared'],
    ['x', 'wrong'],
    ['new', 'added'],
    ['gone', 'removed'],
  ]);
});

test('laps over other documents are other work, whatever the times say', () => {
  expect(verdict(result(1), benchResult({ rows: [row(2, { samplesPerLap: 64 })] }))).toBe('inconclusive');
});

test('runtimes of one implementation are compared each with its own', () => {
  const rows = (factor: number) => [row(1, { runtime: 'node' }), row(factor, { runtime: 'bun' })];
  const { rows: found } = compare(benchResult({ rows: rows(1) }), benchResult({ rows: rows(1.5) }));
  expect(found).toMatchObject([
    { implementation: 'fast (node)', verdict: 'no change' },
    { implementation: 'fast (bun)', verdict: 'regression' },
  ]);
});

test('fewer than five processes on either side, or a run that warned of noise, give no verdict', () => {
  const few = benchResult({ rows: [row(1.5, { roundsMicrosecondsPerSample: times(1.5).slice(0, 4) })] });
  expect(verdict(result(1), few)).toBe('inconclusive');
  expect(verdict(few, result(1))).toBe('inconclusive');
  const noisy = { calibratorMicroseconds: [50, 50, 50], warnings: ['load 3.1 on 2 cores'] };
  expect(verdict(result(1), result(1.5, { noise: noisy }))).toBe('inconclusive');
  expect(compare(result(1, { noise: noisy }), result(1.5)).rows[0]?.reason).toBe(
    'the run of a.json warned of noise: load 3.1 on 2 cores',
  );
});
