import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { discoverImplementations } from '../program/discover.ts';
import { comparedWith, publishedSpeedup, publishedTableFor, readClaims, readPublished } from './published.ts';

const original = { nEmbd: 16, nHead: 4, nLayer: 1, blockSize: 16 };

describe('the published figures', () => {
  it('are those of the literature, with speedups over their own CPython', async () => {
    const published = await readPublished();
    const d16 = publishedTableFor(published, original);
    const d64 = publishedTableFor(published, { ...original, nEmbd: 64 });
    expect(d16?.rows.map((row) => row.microsecondsPerSample)).toEqual([49_000, 17_640, 270, 118, 31, 3]);
    expect(d64?.rows.map((row) => row.microsecondsPerSample)).toEqual([713_200, 301_400, 3260, 1620, 294, 36.8]);
    expect(d16?.rows.map((row) => Math.round(publishedSpeedup(row, d16) ?? 0))).toEqual([1, 3, 181, 415, 1581, 16_333]);
  });

  it('are shown for the model they were measured on, and for no other', async () => {
    const published = await readPublished();
    expect(publishedTableFor(published, { ...original, nEmbd: 32 })).toBeUndefined();
    expect(publishedTableFor(published, { ...original, nLayer: 2 })).toBeUndefined();
  });
});

test('the claims are those that were published, as ratios of the published times', async () => {
  const claims = await readClaims(original);
  expect(claims.map(({ claim, factor }) => [claim, Number(factor.toPrecision(factor < 10 ? 2 : 5))])).toEqual([
    ['microjpt over CPython', 1580.6],
    ['microjpt over rust-microgpt', 3.8],
    ['rust-microgpt over CPython', 415.25],
    ['PyPy over CPython', 2.8],
    ['EEmicroGPT b16 over CPython', 16333],
  ]);
  const wide = await readClaims({ ...original, nEmbd: 64 });
  expect(wide.map(({ factor }) => Math.round(factor))).toEqual([2426, 6, 440, 2, 19_380]);
});

test('nothing is claimed of a model that nobody published', async () => {
  expect(await readClaims({ ...original, nLayer: 2 })).toEqual([]);
});

test('every claim is answered by implementations that are here', async () => {
  const names = (await discoverImplementations()).map(({ name }) => name);
  for (const { faster, slower } of await readClaims(original)) {
    expect(names).toContain(faster);
    expect(names).toContain(slower);
  }
});

test('a malformed file is told by its field', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'microgpt-bench-'));
  const path = join(folder, 'claims.json');
  await writeFile(path, '{"schemaVersion": 2, "claims": []}');
  await expect(readClaims(original, path)).rejects.toThrow('field "source"');
  await rm(folder, { recursive: true });
});

test.for([
  [10, { low: 11, median: 12, high: 13 }, 'higher'],
  [10, { low: 8, median: 9, high: 9.5 }, 'lower'],
  [10, { low: 9, median: 12, high: 13 }, 'within'],
  [10, { low: 10, median: 10.5, high: 11 }, 'within'],
  [10, { low: 12, median: 12, high: 12 }, undefined],
] as const)('where ×%d was published, %j is %s', ([factor, interval, expected]) => {
  expect(comparedWith(factor, interval)).toBe(expected);
});
