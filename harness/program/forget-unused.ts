import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

const DAY_MILLISECONDS = 24 * 3600 * 1000;
const MOST_DAYS_UNUSED = 30;
const MOST_BYTES = 200e6;
/** A run may need it again at once, however large it is. */
const FEWEST_DAYS_KEPT = 1;

/** Notes that something in a cache is used now. Does nothing if the cache cannot be written to: it can still be read. */
export async function markUsed(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now).catch(() => {});
}

/**
 * Removes from a folder of the cache the files and folders that were not used for 30 days. Then removes the least recently used
 * ones until the rest fits into 200 MB, but nothing that was used in the last day. Other processes may do so at the same time.
 */
export async function forgetUnused(folder: string, bytesAllowed = MOST_BYTES): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const found = await Promise.all(names.map((name) => entryAt(join(folder, name))));
  let total = 0;
  for (const { path, usedMilliseconds, bytes } of found.sort((a, b) => b.usedMilliseconds - a.usedMilliseconds)) {
    total += bytes;
    const days = (Date.now() - usedMilliseconds) / DAY_MILLISECONDS;
    const isForgotten = days > MOST_DAYS_UNUSED || (total > bytesAllowed && days > FEWEST_DAYS_KEPT);
    if (isForgotten) await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

/** Without bytes if it is gone meanwhile. */
async function entryAt(path: string) {
  const { mtimeMs: usedMilliseconds = 0 } = (await stat(path).catch(() => undefined)) ?? {};
  const inside = await readdir(path, { recursive: true }).catch(() => []);
  const sizes = [path, ...inside.map((name) => join(path, name))].map(async (file) => (await stat(file)).size);
  const bytes = (await Promise.allSettled(sizes)).reduce(
    (sum, size) => sum + (size.status === 'fulfilled' ? size.value : 0),
    0,
  );
  return { path, usedMilliseconds, bytes };
}
