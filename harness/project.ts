import { join, relative, resolve, sep } from 'node:path';

/** The checkout, or the folder `dist` of the installed package. */
export const projectRoot: string = resolve(import.meta.dirname, '..');

/** Installed by npm into somebody's project, or run from a checkout. */
export const isInstalled: boolean = projectRoot.split(sep).includes('node_modules');

/** Where output goes: an installed package belongs to npm, so there it is the current folder. */
const workFolder: string = isInstalled ? process.cwd() : projectRoot;

export const implementationsRoot: string = join(projectRoot, 'impls');

export const resultsFolder: string = join(workFolder, 'results');

/** For what can be made again at any time; ignored by git. */
export function cacheFolder(...names: readonly string[]): string {
  return join(workFolder, '.cache', ...(isInstalled ? ['microgpt-bench'] : []), ...names);
}

/** Relative to the folder of results, if it lies inside. */
export function displayPath(path: string): string {
  const inside = relative(workFolder, path);
  return inside === '' || inside.startsWith('..') ? path : inside;
}

/** What to do about a file of this project that is damaged or missing. */
export function restoring(file: string): string {
  return isInstalled ? 'install the package anew' : `restore it with \`git checkout ${displayPath(file)}\``;
}

/** `npm run check -- my-row`, or `npx microgpt-bench check my-row`; words with blanks in quotes. */
export function commandLine(command: string, ...words: readonly string[]): string {
  const [call, separator] = isInstalled ? ['npx microgpt-bench', ''] : ['npm run', ' --'];
  return words.length === 0
    ? `${call} ${command}`
    : `${call} ${command}${separator} ${words.map((word) => (/\s/.test(word) ? `"${word}"` : word)).join(' ')}`;
}
