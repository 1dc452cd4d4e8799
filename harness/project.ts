import { join, relative, resolve } from 'node:path';

/** The checkout this harness stands in. */
export const projectRoot: string = resolve(import.meta.dirname, '..');

/** Where the implementations are unless `--impls` says otherwise. */
export const implementationsRoot: string = join(projectRoot, 'impls');

/** A folder for what can be made again at any time; ignored by git. */
export function cacheFolder(...names: readonly string[]): string {
  return join(projectRoot, '.cache', ...names);
}

/** A path as a person wants to read it: relative to the checkout where it lies inside. */
export function displayPath(path: string): string {
  const inside = relative(projectRoot, path);
  return inside === '' || inside.startsWith('..') ? path : inside;
}
