import { hash } from 'node:crypto';
import { glob, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { projectRoot } from '../project.ts';
import type { Implementation } from './discover.ts';

/** Of everything that results may depend on: the files of its folder, the contract beside it, and the Python reference. */
export async function implementationHash({ folder }: Implementation): Promise<string> {
  const parts = await Promise.all([
    sourceHashes(folder),
    sourceHashes(join(folder, '..'), '*.ts'),
    sourceHashes(join(projectRoot, 'reference'), '*.py'),
  ]);
  return hash('sha256', JSON.stringify(parts.map((part) => [...part])));
}

/** What a program may write beside its sources: none of it is a source. */
const MADE_BY_RUNNING = /(^|\/)(__pycache__|node_modules|target)\//;

/**
 * SHA-256 of each source in a folder, by its path in it: the same in every checkout. What may not be read has none, and no row
 * reads it.
 */
export async function sourceHashes(folder: string, pattern = '**/*'): Promise<ReadonlyMap<string, string>> {
  const entries = await Array.fromAsync(glob(pattern, { cwd: folder, withFileTypes: true }));
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => [relative(folder, file).split(sep).join('/'), file] as const)
    .filter(([path]) => !MADE_BY_RUNNING.test(path));
  const hashes = new Map<string, string>();
  for (const [path, file] of files.sort()) {
    const content = await readFile(file).catch(() => undefined);
    hashes.set(path, content === undefined ? '' : hash('sha256', content));
  }
  return hashes;
}

/** One hash of them all. */
export function hashOfSources(sources: ReadonlyMap<string, string>): string {
  return hash('sha256', JSON.stringify([...sources]));
}

/** A source that was changed since; undefined if none was. A new file was not run. */
export async function changedSource(folder: string, before: ReadonlyMap<string, string>): Promise<string | undefined> {
  const now = await sourceHashes(folder);
  return [...before].find(([path, hash]) => now.get(path) !== hash)?.[0];
}
