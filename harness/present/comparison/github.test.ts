import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { comparedRow, comparisonOf, uncomparedRow } from '../../testing/example-comparison.ts';
import { annotations, appendJobSummary, runsInGitHubActions } from './github.ts';

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
