import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { discoverImplementations } from '../program/discover.ts';
import { comparedWith, readClaims } from './claims.ts';

const original = { nEmbd: 16, nHead: 4, nLayer: 1, blockSize: 16 };

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
