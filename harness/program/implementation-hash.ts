import { createHash } from 'node:crypto';
import { glob, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { projectRoot } from '../project.ts';
import type { Implementation } from './discover.ts';

/**
 * Hash of everything an implementation's results may depend on: the files of its folder, what it imports from beside it,
 * and the Python reference, which one of them serves.
 */
export async function implementationHash(implementation: Implementation): Promise<string> {
  const hash = createHash('sha256');
  for (const [folder, pattern] of [
    [implementation.folder, '**/*'],
    [join(implementation.folder, '..'), '*.ts'],
    [join(projectRoot, 'reference'), '*.py'],
  ] as const) {
    const paths = await Array.fromAsync(glob(pattern, { cwd: folder, withFileTypes: true }));
    const files = paths.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    for (const file of files.sort()) hash.update(file).update(await readFile(file));
  }
  return hash.digest('hex');
}

/** What a program may write beside its sources: none of it is a source. */
const MADE_BY_RUNNING = /(^|\/)(__pycache__|node_modules|target)\//;

/** SHA-256 of each source in a folder, by its path in it: the same in every checkout. */
export async function sourceHashes(folder: string): Promise<ReadonlyMap<string, string>> {
  const entries = await Array.fromAsync(glob('**/*', { cwd: folder, withFileTypes: true }));
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => [relative(folder, file).split(sep).join('/'), file] as const)
    .filter(([path]) => !MADE_BY_RUNNING.test(path));
  const hashes = new Map<string, string>();
  for (const [path, file] of files.sort())
    hashes.set(
      path,
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    );
  return hashes;
}

/** One hash of them all. */
export function hashOfSources(sources: ReadonlyMap<string, string>): string {
  return createHash('sha256')
    .update(JSON.stringify([...sources]))
    .digest('hex');
}

/** A source that is no longer what it was; undefined where all are. A new file is nothing that was run. */
export async function changedSource(folder: string, before: ReadonlyMap<string, string>): Promise<string | undefined> {
  const now = await sourceHashes(folder);
  return [...before].find(([path, hash]) => now.get(path) !== hash)?.[0];
}
