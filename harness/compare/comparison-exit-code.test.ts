import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ComparisonRow } from '../results/comparison.ts';
import { comparedRow, comparisonOf, uncomparedRow } from '../testing/example-comparison.ts';
import { exitCodeOf } from './comparison-exit-code.ts';

const regression = comparedRow({ verdict: 'regression' });
const inconclusive = comparedRow({ verdict: 'inconclusive' });
const wrongHead = uncomparedRow({ status: 'wrong', side: 'head' });
const brokenHead = uncomparedRow({ status: 'broken', side: 'head' });
const wrongBase = uncomparedRow({ status: 'wrong', side: 'base' });
const unreadableHead = uncomparedRow({ status: 'unreadable', side: 'head' });
const harmless = [
  comparedRow({ verdict: 'no change' }),
  comparedRow({ verdict: 'improvement' }),
  uncomparedRow({ status: 'skipped' }),
  uncomparedRow({ status: 'added' }),
  uncomparedRow({ status: 'removed' }),
];

const code = (rows: readonly ComparisonRow[], strict = false) => exitCodeOf(comparisonOf(rows), strict);

test.each([
  ['nothing', [], 0],
  ['harmless rows', harmless, 0],
  ['a wrong head', [wrongHead], 1],
  ['a broken head', [brokenHead], 1],
  ['a base that fails verification', [wrongBase], 2],
  ['a manifest that cannot be read', [unreadableHead], 2],
  ['a regression', [regression], 3],
  ['an inconclusive verdict', [inconclusive], 0],
] as const)('%s', (_, rows, expected) => {
  expect(code(rows)).toBe(expected);
});

test('an inconclusive verdict counts with --strict only', () => {
  expect(code([inconclusive], true)).toBe(4);
  expect(code(harmless, true)).toBe(0);
});

test('the gravest row decides, wherever it stands: wrong head, regression, bad base, inconclusive', () => {
  const gravest = [brokenHead, regression, wrongBase, inconclusive, ...harmless];
  const codes = [1, 3, 2, 4, 0, 0, 0, 0, 0];
  fc.assert(
    fc.property(fc.nat(gravest.length - 1), fc.integer(), (from, seed) => {
      const rows = gravest
        .slice(from)
        .toSorted((a, b) => Math.sin(seed + gravest.indexOf(a)) - Math.sin(seed + gravest.indexOf(b)));
      expect(code(rows, true)).toBe(codes[from]);
    }),
  );
});
