import { join, relative, resolve, sep } from 'node:path';

/** What came with this harness: the checkout it stands in, or the folder `dist` of its installed package. */
export const projectRoot: string = resolve(import.meta.dirname, '..');

/** Installed by npm into somebody's project, or run from a checkout. */
export const isInstalled: boolean = projectRoot.split(sep).includes('node_modules');

/** Where what is made goes: an installed package belongs to npm, so there it is the folder one works in. */
const workFolder: string = isInstalled ? process.cwd() : projectRoot;

/** The implementations that came with this harness; `--impls` adds others. */
export const implementationsRoot: string = join(projectRoot, 'impls');

/** Where results and their history are kept unless `--results` says otherwise. */
export const resultsFolder: string = join(workFolder, 'results');

/** A folder for what can be made again at any time; ignored by git. */
export function cacheFolder(...names: readonly string[]): string {
  return join(workFolder, '.cache', ...(isInstalled ? ['microgpt-bench'] : []), ...names);
}

/** A path as a person wants to read it: relative to the folder that results go to where it lies inside. */
export function displayPath(path: string): string {
  const inside = relative(workFolder, path);
  return inside === '' || inside.startsWith('..') ? path : inside;
}

/** How this harness is called here: `npm run check -- my-row`, or `npx microgpt-bench check my-row`. */
export function commandLine(command: string, ...words: readonly string[]): string {
  const [call, separator] = isInstalled ? ['npx microgpt-bench', ''] : ['npm run', ' --'];
  return words.length === 0 ? `${call} ${command}` : `${call} ${command}${separator} ${words.join(' ')}`;
}
