import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { comparedRow, comparisonOf, uncomparedRow } from '../testing/example-comparison.ts';
import {
  annotations,
  appendJobSummary,
  comparisonMarkdown,
  comparisonTable,
  runsInGitHubActions,
} from './comparison.ts';

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

test('the summary names unchanged rows in one line, and has no table where nothing was run', () => {
  const unchanged = ['c', 'd'].map((implementation) => uncomparedRow({ implementation, status: 'unchanged' }));
  const summary = comparisonMarkdown(comparisonOf([regression, ...unchanged]));
  expect(summary.split('\n').filter((line) => line.includes('unchanged'))).toEqual([
    '- unchanged, not run (--all runs them): c, d',
  ]);
  expect(comparisonMarkdown(comparisonOf(unchanged))).not.toContain('|');
});

test('a regression is an error, an inconclusive row a warning, an improvement a notice, no change nothing', () => {
  const rows = (['regression', 'inconclusive', 'improvement', 'no change'] as const).map((verdict) =>
    comparedRow({ verdict, reason: 'because' }),
  );
  expect(annotations(comparisonOf(rows))).toEqual([
    '::error title=fast::+1.0%25 (-1.0%25 … +2.0%25), regression: because',
    '::warning title=fast::+1.0%25 (-1.0%25 … +2.0%25), inconclusive: because',
    '::notice title=fast::+1.0%25 (-1.0%25 … +2.0%25), improvement: because',
  ]);
});

test('one process on a side gives no interval', () => {
  const single = comparisonOf([comparedRow({ rounds: 1, control: undefined })], { evidence: 'stored' });
  expect(comparisonTable(single, page)).toMatch(/│ \+1\.0% │/);
  expect(comparisonMarkdown(single)).not.toContain('…');
});

test('an annotation from stored results says that its evidence is weaker', () => {
  const rows = [comparedRow({ verdict: 'regression', reason: 'because' })];
  expect(annotations(comparisonOf(rows, { evidence: 'stored' }))).toEqual([
    '::error title=fast::+1.0%25 (-1.0%25 … +2.0%25), regression (weaker evidence): because',
  ]);
});

test('what cannot be compared is an error where it is someone’s fault', () => {
  const levels = (
    ['wrong', 'broken', 'unreadable', 'lost', 'removed', 'repaired', 'skipped', 'added', 'unchanged'] as const
  ).map((status) => annotations(comparisonOf([uncomparedRow({ status })]))[0]?.split(' ')[0]);
  const [error, warning, notice] = ['::error', '::warning', '::notice'];
  expect(levels).toEqual([error, error, error, error, warning, notice, undefined, undefined, undefined]);
});

test('an annotation stands at the manifest of its row', () => {
  const [line] = annotations(comparisonOf([comparedRow({ verdict: 'regression', manifest: 'impls/a,b/impl.json' })]));
  expect(line).toMatch(/^::error file=impls\/a%2Cb\/impl\.json,title=fast::/);
});

/** Mostly the characters that a workflow command gives a meaning to. */
const anyText = fc.string({ unit: fc.constantFrom(':', ',', '%', '\r', '\n', 'a', 'ü') });

test('no name and no reason can end the line or start a second command', () => {
  fc.assert(
    fc.property(anyText, anyText, (implementation, reason) => {
      const [line = ''] = annotations(comparisonOf([uncomparedRow({ implementation, reason, status: 'wrong' })]));
      expect(line).not.toMatch(/[\r\n]/);
      expect(line.slice('::error title='.length).split('::')[0]).not.toMatch(/[:,]/);
    }),
  );
});

test('the summary is appended where the runner asks for it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'summary-'));
  try {
    const environment = { GITHUB_STEP_SUMMARY: join(folder, 'summary.md') };
    await appendJobSummary(comparisonOf([comparedRow()]), environment);
    await appendJobSummary(comparisonOf([comparedRow()]), environment);
    expect((await readFile(environment.GITHUB_STEP_SUMMARY, 'utf8')).match(/^### /gm)).toHaveLength(2);
    await appendJobSummary(comparisonOf([comparedRow()]), {});
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('GitHub Actions are recognised by their own variable', () => {
  expect(runsInGitHubActions({ GITHUB_ACTIONS: 'true' })).toBe(true);
  expect(runsInGitHubActions({})).toBe(false);
});
