import { describe, expect, test } from 'vitest';
import { readPublished } from '../results/published.ts';
import type { ClaimResult } from '../results/schema.ts';
import { claimsMarkdown, claimsTable } from './claims-table.ts';

const published = await readPublished();
const claims: readonly ClaimResult[] = [
  {
    claim: 'microjpt over CPython',
    published: 1580.6,
    faster: 'julia',
    slower: 'python',
    here: { ratio: { median: 1002, low: 980, high: 1020 }, is: 'lower' },
  },
  { claim: 'PyPy over CPython', published: 2.78, faster: 'pypy', slower: 'python', missing: 'pypy skipped' },
  {
    claim: 'EEmicroGPT b16 over CPython',
    published: 16_333,
    faster: 'c-simd',
    slower: 'python',
    missing: 'at batch 16',
  },
];

describe('the claims table', () => {
  test('has what was published, what was measured with its interval, the word for it, and the rows', () => {
    const lines = claimsTable(claims, published, 120)?.split('\n') ?? [];
    expect(lines).toContainEqual(
      expect.stringMatching(/microjpt over CPython .*×1,581 .*×1.0k \(980–1.0k\) .*lower .*julia \/ python/),
    );
    expect(lines).toContainEqual(expect.stringMatching(/PyPy over CPython .*×2.8 .*pypy skipped/));
    expect(lines).toContainEqual(expect.stringMatching(/EEmicroGPT b16 over CPython .*×16,333 .*at batch 16/));
    expect(lines.join(' ')).toContain('https://github.com/Entrpi/eemicrogpt');
  });

  test.for([80, 100, 120])('fits %d columns', (width) => {
    const text = claimsTable(claims, published, width) ?? '';
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(width);
    expect(text).toContain('×1.0k (980–1.0k)');
  });

  test('is a line where none of its rows could run, and left out where none was asked for', () => {
    expect(claimsTable(claims.slice(1), published, 80)).toBe(
      'published claims: none measured here (PyPy over CPython: pypy skipped)',
    );
    expect(claimsTable(claims.slice(2), published, 80)).toBeUndefined();
    expect(claimsMarkdown(claims.slice(1))).toEqual([]);
  });

  test('is the same in Markdown', () => {
    expect(claimsMarkdown(claims).join('\n')).toContain(
      '| microjpt over CPython | ×1,581 | ×1.0k (980–1.0k) | lower | julia / python |',
    );
  });
});
