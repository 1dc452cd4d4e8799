import { expect, test } from 'vitest';
import { withSection } from './page.ts';
import type { ComparisonRun, Record } from './record.ts';
import { figuresTable } from './report.ts';

const run = (change: Partial<ComparisonRun>): ComparisonRun => ({
  verdict: 'no change',
  reason: 'because',
  exitCode: 0,
  seconds: 40,
  ratio: 1,
  loadAverage: 1,
  ...change,
});
const record: Record = {
  sameCalm: [run({}), run({ verdict: 'inconclusive' })],
  sameLoaded: [run({ verdict: 'regression', exitCode: 3 })],
  slowed10: [run({ verdict: 'regression', exitCode: 3, ratio: 1.1, seconds: 90 }), run({ ratio: 1.1 })],
  slowed20: [],
  coverage: [
    { median: 10, low: 9, high: 11 },
    { median: 11, low: 10, high: 12 },
    { median: 12, low: 11.5, high: 12.5 },
  ],
  overhead: [1.01, 1.01, 1.01],
};

test('every figure is counted from the runs, and what was not measured is left out', () => {
  const table = figuresTable(record);
  expect(table).toMatch(/itself never fails +\| 0 of 2 failed, 1 inconclusive +\|/);
  expect(table).toMatch(/loads a core +\| 1 of 1 failed, 0 inconclusive +\|/);
  expect(table).toMatch(/10% is found .*\| 1 of 2, measured as \+10\.0% +\|/);
  expect(table).toMatch(/\| 90 s at most, 40 s in the middle +\|/);
  expect(table).toMatch(/\| 2 of 3 +\|/);
  expect(table).toContain('+1.0%');
  expect(table).not.toContain('20%');
});

const withFigures = (page: string) => withSection(page, 'npm run trust-figures', figuresTable(record).trimEnd());

test('the page keeps everything around its figures', () => {
  const page = 'before\n<!-- figures: npm run trust-figures -->\nfigures of last year\n<!-- /figures -->\nafter\n';
  const written = withFigures(page);
  expect(written).toMatch(/^before\n/);
  expect(written).toMatch(/\nafter\n$/);
  expect(written).not.toContain('last year');
  expect(withFigures(written)).toBe(written);
});

test('a page without a place for figures is refused', () => {
  expect(() => withFigures('nothing')).toThrow('no place for the figures');
});
