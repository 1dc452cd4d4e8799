import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { suggestion } from '../nearest-name.ts';
import { commandLine, displayPath, implementationsRoot, isInstalled } from '../project.ts';
import { UsageError } from '../usage-error.ts';

const templatesFolder = join(import.meta.dirname, 'templates');

/** The folders of `templates` that make a starting point; a later one replaces files of an earlier one. */
const layers: Readonly<Record<string, readonly string[]>> = {
  typescript: ['typescript'],
  python: ['python'],
  rust: ['rust'],
  c: ['c'],
  julia: ['julia'],
  program: ['python', 'program'],
};

export const scaffoldLanguages = Object.keys(layers);

const LONGEST_NAME = 40;

/** How templates name what they share with this project's implementations: from their own place, or as its neighbours. */
const SHARED = /(?:\.\.\/){4}impls\/|\.\.\/(?=(?:c|rust|julia)[/"'])/g;
const CONTRACT = "'../../../../impls/contract.ts'";

/**
 * Writes a starting point into `root/name` and returns its files, relative to that folder. @throws {UsageError} for a bad or
 * taken name, and for an unknown language
 */
export async function scaffold(root: string, name: string, language: string): Promise<readonly string[]> {
  if (name.length > LONGEST_NAME || !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
    throw new UsageError(
      `"${name}" cannot be the name of an implementation: expected small letters, digits and single dashes, ` +
        `a letter first, at most ${LONGEST_NAME} in all, such as flat-tape`,
    );
  }
  if (!Object.hasOwn(layers, language)) {
    const known = suggestion(language, scaffoldLanguages);
    throw new UsageError(`unknown language "${language}"${known}; for any other language write --language program`);
  }
  const folder = join(root, name);
  await mkdir(folder).catch(({ code }: NodeJS.ErrnoException) => {
    throw new UsageError(
      code === 'EEXIST'
        ? `${displayPath(folder)} is there already, and nothing is overwritten; choose another name`
        : `cannot make the folder ${displayPath(folder)}: ${code}`,
    );
  });
  try {
    // From an implementation's folder to what it shares with this project's: `../` beside them.
    const shared = `${join('..', relative(resolve(root), implementationsRoot))
      .split(sep)
      .join('/')}/`;
    const flags = resolve(root) === resolve(implementationsRoot) ? [] : ['--impls', root];
    const files = new Set<string>();
    for (const layer of layers[language]) {
      for (const entry of await readdir(join(templatesFolder, layer), { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const template = join(entry.parentPath, entry.name);
        const file = relative(join(templatesFolder, layer), template);
        await mkdir(dirname(join(folder, file)), { recursive: true });
        await writeFile(join(folder, file), filledIn(await readFile(template, 'utf8'), name, shared, flags));
        files.add(file.split(sep).join('/'));
      }
    }
    return [...files].toSorted();
  } catch (error) {
    // Half a starting point would be in the way of the next attempt.
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/**
 * @param shared the way to what is shared, with a `/` at its end
 * @param flags what every command needs to find the implementation
 */
export function filledIn(template: string, name: string, shared: string, flags: readonly string[] = []): string {
  const installed = isInstalled ? template.replaceAll(CONTRACT, "'microgpt-bench/contract'") : template;
  return (
    installed
      .replaceAll('{{name}}', name)
      // In one pass: a path to what is shared may hold a folder that is called like a language.
      .replaceAll(SHARED, () => shared)
      .replace(/^npm run (\S+) -- (.+)$/gm, (_, command: string, words: string) =>
        commandLine(command, ...words.split(' '), ...flags),
      )
  );
}
