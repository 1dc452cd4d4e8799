import { hash } from 'node:crypto';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { dirname, extname, join, relative, resolve, sep } from 'node:path';
import type { Implementation } from '../program/discover.ts';

/** What builds, runs and npm leave in a folder, prose, and tests: none of it changes how an implementation runs. */
const byProducts = new Set(['node_modules', 'target', '__pycache__', '.git', '.cache']);
/** The harness that drives both sides is the one of this checkout. */
const HARNESS = 'harness';
const doesNotRun = (path: string) => /\.(md|test\.ts)$/.test(path);

/** A file larger than this is data, and is not searched for paths. */
const LARGEST_SOURCE_BYTES = 2 ** 20;

/**
 * Everything in a checkout that decides how an implementation runs: the files of its folder, those beside it (the contract),
 * the lock file, and what these name by a relative path out of the folder. Rather too much, so that "unchanged" can be relied
 * on.
 *
 * @param checkout absolute path of the project in its checkout
 * @returns a hash for each file, by its path in the checkout
 */
export async function sourcesOf(
  implementation: Pick<Implementation, 'folder'>,
  checkout: string,
): Promise<ReadonlyMap<string, string>> {
  const root = dirname(implementation.folder);
  const loose = (await readdir(root, { withFileTypes: true })).filter((entry) => entry.isFile());
  const waiting = [
    implementation.folder,
    ...loose.map((entry) => join(root, entry.name)),
    join(checkout, 'package-lock.json'),
  ];
  const seen = new Set<string>();
  const hashes = new Map<string, string>();
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const names = relative(checkout, path).split(sep);
    if (
      seen.has(path) ||
      !isInside(checkout, path) ||
      names[0] === HARNESS ||
      names.some((name) => byProducts.has(name))
    )
      continue;
    seen.add(path);
    const found = await lstat(path).catch(() => undefined);
    if (found?.isDirectory()) {
      waiting.push(...(await readdir(path)).map((name) => join(path, name)));
    } else if (found?.isFile() && !doesNotRun(path)) {
      const content = await readFile(path);
      hashes.set(relative(checkout, path).split(sep).join('/'), hash('sha256', content));
      if (content.length <= LARGEST_SOURCE_BYTES) {
        waiting.push(
          ...namedOutside(content.toString('utf8'), path, root).filter(
            (named) => named !== checkout && !isInside(named, root),
          ),
        );
      }
    }
  }
  return hashes;
}

export function sameSources(base: ReadonlyMap<string, string>, head: ReadonlyMap<string, string>): boolean {
  return base.size === head.size && [...head].every(([path, hash]) => base.get(path) === hash);
}

/** Absolute paths that a text names relative to its own folder or the implementation's: `../c/task.h`. */
function namedOutside(text: string, file: string, root: string): string[] {
  const own = relative(root, file).split(sep)[0] ?? '';
  const folders = new Set([dirname(file), join(root, own)]);
  const names = text.match(/(?:\.\.\/)+[\w@.-][\w@./-]*/g) ?? [];
  return names.flatMap((name) => [...folders].map((folder) => wholeFolder(resolve(folder, name), root)));
}

/** A shared file stands for its whole folder, so that what it includes need not be followed. */
function wholeFolder(path: string, root: string): string {
  if (isInside(root, path) && path !== root) return join(root, relative(root, path).split(sep)[0] ?? '');
  return extname(path) === '' ? path : dirname(path);
}

function isInside(folder: string, path: string): boolean {
  const inside = relative(folder, path);
  return inside !== '..' && !inside.startsWith(`..${sep}`);
}
