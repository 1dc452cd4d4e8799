import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { forgetUnused, markUsed } from './forget-unused.ts';

const DAY_MILLISECONDS = 24 * 3600 * 1000;

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'microgpt-bench-'));
});
afterEach(() => rm(cache, { recursive: true }));

/** A kernel is a file; a build is a folder that holds files. */
async function kept(name: string, daysUnused: number, bytes = 1000): Promise<string> {
  const path = join(cache, name);
  const file = name.endsWith('.wasm') ? path : join(path, 'release', 'program');
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, new Uint8Array(bytes));
  await utimes(path, new Date(), new Date(Date.now() - daysUnused * DAY_MILLISECONDS));
  return path;
}

test('what was not used for 30 days is removed, folders with all they hold; use counts, not age', async () => {
  await kept('old', 31);
  await kept('old.wasm', 31);
  await kept('recent', 29);
  await kept('recent.wasm', 29);
  await markUsed(await kept('used', 31));
  await forgetUnused(cache);
  expect(await readdir(cache)).toEqual(['recent', 'recent.wasm', 'used']);
});

test('what does not fit is removed, what was used longest ago first', async () => {
  for (const [i, name] of ['a.wasm', 'b.wasm', 'c.wasm', 'd.wasm'].entries())
    await kept(name, i % 2 === 0 ? i : 10 + i);
  await forgetUnused(cache, 2500);
  expect(await readdir(cache)).toEqual(['a.wasm', 'c.wasm']);
});

test('a folder is as large as the files below it', async () => {
  await kept('large', 3, 100_000);
  await kept('recent.wasm', 2);
  await forgetUnused(cache, 50_000);
  expect(await readdir(cache)).toEqual(['recent.wasm']);
});

test('what was used today stays, however large it is', async () => {
  await kept('large', 0.5, 100_000);
  await kept('small', 2);
  await forgetUnused(cache, 50_000);
  expect(await readdir(cache)).toEqual(['large']);
});

test('a cache that is not there holds nothing to remove', async () => {
  await forgetUnused(join(cache, 'no-such'));
});
