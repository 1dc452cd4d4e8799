import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ComparisonRow } from '../results/comparison.ts';
import { comparedRow, comparisonOf, uncomparedRow } from '../testing/example-comparison.ts';
import { comparisonExitCode, rowExitCode } from './exit-code.ts';

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
  uncomparedRow({ status: 'repaired' }),
  uncomparedRow({ status: 'unchanged' }),
];

const code = (rows: readonly ComparisonRow[], strict = false) => comparisonExitCode(comparisonOf(rows), strict);

test.each([
  ['nothing', [], 0],
  ['harmless rows', harmless, 0],
  ['a wrong head', [wrongHead], 1],
  ['a head that no longer runs', [uncomparedRow({ status: 'lost' })], 1],
  ['a head without any row', [uncomparedRow({ status: 'removed', side: 'base' })], 1],
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
  const codes = [1, 3, 2, 4, 0, 0, 0, 0, 0, 0, 0];
  fc.assert(
    fc.property(fc.nat(codes.length - 1), fc.integer(), (from, seed) => {
      const rows = gravest
        .slice(from)
        .toSorted((a, b) => Math.sin(seed + gravest.indexOf(a)) - Math.sin(seed + gravest.indexOf(b)));
      expect(code(rows, true)).toBe(codes[from]);
    }),
  );
});

const unreadable = { name: 'garbled', folder: '/impls/garbled', problem: 'impl.json: not JSON' };
const row = (implementation: string, status: 'verified' | 'error' | 'mismatch' | 'skipped' | 'unsupported') => ({
  implementation,
  status,
});

test.each([
  ['verified, skipped and unsupported rows', ['verified', 'skipped', 'unsupported'], 0],
  ['a wrong row', ['verified', 'mismatch'], 1],
  ['a row that broke', ['error', 'skipped'], 1],
] as const)('%s', (_, statuses, expected) => {
  expect(
    rowExitCode(
      statuses.map((status, i) => row(`row-${i}`, status)),
      [],
    ),
  ).toBe(expected);
});

test('a manifest that cannot be read is bad input, unless another row is wrong', () => {
  expect(rowExitCode([row('fast', 'verified'), row('garbled', 'error')], [unreadable])).toBe(2);
  expect(rowExitCode([row('fast', 'mismatch'), row('garbled', 'error')], [unreadable])).toBe(1);
});
