import { parseHTML } from 'linkedom';
import { expect, it } from 'vitest';
import { type CheckResult, checkResultSchema, SCHEMA_VERSION } from '../../results/schema.ts';
import { benchResult, verifiedRow } from '../../testing/example-result.ts';
import { html } from './html.ts';
import { lossCurves, lossSection } from './losses.ts';

const losses = Array.from({ length: 1000 }, (_, i) => 3.3 - i / 1000);
const result = (implementation: string, change: object) => ({
  implementation,
  status: 'verified',
  losses,
  stepsVerified: 1000,
  maxLossError: 0,
  tolerance: 1e-10,
  ...change,
});
const check: CheckResult = checkResultSchema.parse({
  schemaVersion: SCHEMA_VERSION,
  task: benchResult().task,
  reference: { source: 'golden', losses },
  results: [
    result('fast', {}),
    result('coarse', { losses: losses.map((loss) => loss + 2e-7) }),
    result('diverging', { status: 'mismatch', losses: [losses[0], losses[1] + 1, null] }),
    result('absent', { status: 'skipped', losses: [] }),
  ],
});
const rows = ['fast', 'coarse'].map((implementation) => verifiedRow({ implementation }));

it('curves are thinned, keep their language, and end where a loss was not finite', () => {
  const curves = lossCurves(check, rows);
  expect(curves.map(({ name, language, points }) => [name, language, points.length])).toEqual([
    ['fast', 'TypeScript', 143],
    ['coarse', 'TypeScript', 143],
    ['diverging', '', 2],
  ]);
});

it('the section states the largest deviation, whose it is, and at which step', () => {
  const section = (of: CheckResult) =>
    parseHTML(`<body>${lossSection(of, rows, (chart) => html`<p>${chart(880)}</p>`).markup}</body>`).document;
  const right = { ...check, results: check.results.slice(0, 2) };
  expect(section(right).querySelector('p')?.textContent).toMatch(
    /^The largest deviation of 2 rows from the reference \(golden\) is 2e-7, of coarse at step \d+\.$/,
  );
  expect(section(check).querySelector('p')?.textContent).toContain('is 1e+0, of diverging at step 2');
  expect(section(check).querySelectorAll('svg')).toHaveLength(2);
});
