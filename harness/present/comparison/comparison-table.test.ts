import { expect, test } from 'vitest';
import { comparedRow, comparisonOf, uncomparedRow } from '../../testing/example-comparison.ts';
import { comparisonMarkdown, comparisonTable } from './comparison-table.ts';

const regression = comparedRow({
  verdict: 'regression',
  reason: 'slower by more than 5%, confirmed by 16 longer rounds',
  ratio: { median: 1.102, low: 1.09, high: 1.11 },
  confirmation: {
    ratio: { median: 1.1, low: 1.08, high: 1.12 },
    control: { median: 1, low: 0.99, high: 1.01 },
    rounds: 16,
  },
});
const page = { width: 200, color: false };

test('the table names both sides, the change with its interval, and the verdict', () => {
  const table = comparisonTable(comparisonOf([regression]), page);
  expect(table).toContain('main (aaaaaaa) → HEAD (bbbbbbb), side by side: d16, us-names-2016, threshold 5%');
  expect(table).toContain('+10.2% (+9.0% … +11.0%)');
  expect(table).toContain('+10.0% (+8.0% … +12.0%)');
  expect(table).toMatch(/│\s+24 │ regression/);
  expect(table).toContain('fast: regression: slower by more than 5%, confirmed by 16 longer rounds');
});

test('a row without a verdict says which side and why', () => {
  const rows = [
    uncomparedRow({ status: 'wrong', side: 'base', reason: 'step 2: loss 3.5' }),
    uncomparedRow({ status: 'added', reason: 'only head has it' }),
  ];
  const table = comparisonTable(comparisonOf(rows), page);
  expect(table).toContain('other: base is wrong: step 2: loss 3.5');
  expect(table).toContain('other: new: only head has it');
});

test('a verdict from stored results says that its evidence is weaker, a paired one does not', () => {
  const stored = comparisonOf([regression], { evidence: 'stored' });
  expect(comparisonTable(stored, page)).toContain('fast: regression (weaker evidence): ');
  expect(comparisonMarkdown(stored)).toContain('+10.0% (+8.0% … +12.0%), regression (weaker evidence): ');
  expect(comparisonTable(comparisonOf([regression]), page)).not.toContain('weaker');
});

test('notes stand below', () => {
  expect(comparisonTable(comparisonOf([], { notes: ['weaker evidence'] }), page)).toContain('note: weaker evidence');
});

test('color marks a regression red and leaves the rest readable without', () => {
  expect(comparisonTable(comparisonOf([regression]), { ...page, color: true })).toContain('\u001b[31m');
  expect(comparisonTable(comparisonOf([regression]), page)).not.toContain('\u001b');
});

test('a hostile name or reason cannot command the terminal', () => {
  const hostile = uncomparedRow({ implementation: 'a\u001b[2Jb', reason: 'c\u0007\u009b31md\r\ne' });
  const table = comparisonTable(comparisonOf([hostile], { notes: ['\u001b]0;x\u0007'] }), page);
  expect(table).not.toMatch(/[^\P{Cc}\n]/u);
});

test('the Markdown of a summary cannot be broken by what an implementation says', () => {
  const hostile = uncomparedRow({ status: 'broken', reason: '<script>|\n# big' });
  const markdown = comparisonMarkdown(comparisonOf([regression, hostile]));
  expect(markdown).toContain('- **other**: head broke: &lt;script>| # big');
  expect(markdown.split('\n').filter((line) => line.startsWith('|'))).toHaveLength(4);
});

test('rows of which the same is to be said share a line, unchanged ones are only named, and no line is too long', () => {
  const rows = [
    uncomparedRow({ implementation: 'a', reason: 'julia not found' }),
    uncomparedRow({ implementation: 'b', reason: 'julia not found' }),
    uncomparedRow({ implementation: 'c', status: 'unchanged' }),
    uncomparedRow({ implementation: 'd', status: 'unchanged' }),
  ];
  const table = comparisonTable(comparisonOf(rows, { notes: ['long '.repeat(40)] }), { width: 60, color: false });
  expect(table).toContain('a, b: skipped on both sides: julia not found');
  expect(table).toContain('unchanged, not run (--all runs them): c, d');
  expect(table).not.toMatch(/│ c /);
  for (const line of table.split('\n')) expect(line.length).toBeLessThanOrEqual(60);
});
