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

/** SHA-256 over the files of a folder, by their paths in it: the same in every checkout. */
export async function folderHash(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const entries = await Array.fromAsync(glob('**/*', { cwd: folder, withFileTypes: true }));
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) {
    const bytes = await readFile(file);
    hash.update(`${relative(folder, file).split(sep).join('/')}\0${bytes.byteLength}\0`).update(bytes);
  }
  return hash.digest('hex');
}
