import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { suggestion } from '../nearest-name.ts';
import { displayPath, implementationsRoot, isInstalled } from '../project.ts';
import { UsageError } from '../usage-error.ts';

const templatesFolder = join(import.meta.dirname, 'templates');

/** The folders of `templates` that make a starting point; a later one replaces files of an earlier one. */
const layers = {
  typescript: ['typescript'],
  python: ['python'],
  rust: ['rust'],
  c: ['c'],
  julia: ['julia'],
  program: ['python', 'program'],
} as const satisfies Record<string, readonly string[]>;

type ScaffoldLanguage = keyof typeof layers;
export const scaffoldLanguages = Object.keys(layers);

const LONGEST_NAME = 40;

/** How templates name what they share with this project's implementations: from their own place, or as its neighbours. */
const SHARED_FROM_TEMPLATE = '../../../../impls/';
const SHARED_BESIDE = /\.\.\/(?=(?:c|rust|julia)[/"'])/g;

/**
 * Writes a starting point into `root/name` and returns its files, relative to that folder. @throws {UsageError} for a bad or
 * taken name, and for an unknown language
 */
export async function scaffold(root: string, name: string, language: string): Promise<readonly string[]> {
  checkName(name);
  if (!isLanguage(language)) {
    const known = suggestion(language, scaffoldLanguages);
    throw new UsageError(`unknown language "${language}"${known}; for any other language write --language program`);
  }
  const folder = join(root, name);
  await claim(folder);
  try {
    const files = new Set<string>();
    for (const layer of layers[language]) {
      for (const file of await filesIn(join(templatesFolder, layer))) {
        await copyTemplate(join(templatesFolder, layer, file), join(folder, file), name, sharedFrom(root));
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

function isLanguage(language: string): language is ScaffoldLanguage {
  return Object.hasOwn(layers, language);
}

function checkName(name: string): void {
  if (name.length <= LONGEST_NAME && /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) return;
  throw new UsageError(
    `"${name}" cannot be the name of an implementation: expected small letters, digits and single dashes, ` +
      `a letter first, at most ${LONGEST_NAME} in all, such as flat-tape`,
  );
}

/** Makes the folder, which must not be there. */
async function claim(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') {
      throw new UsageError(`${displayPath(folder)} is there already, and nothing is overwritten; choose another name`);
    }
    throw new UsageError(`cannot make the folder ${displayPath(folder)}: ${code}`);
  }
}

async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

/** From an implementation's folder to what it shares with this project's: `../` beside them. */
function sharedFrom(root: string): string {
  return `${join('..', relative(resolve(root), implementationsRoot))
    .split(sep)
    .join('/')}/`;
}

async function copyTemplate(from: string, to: string, name: string, shared: string): Promise<void> {
  const text = await readFile(from, 'utf8');
  await mkdir(dirname(to), { recursive: true });
  await writeFile(
    to,
    text
      .replaceAll('{{name}}', name)
      .replaceAll(
        `'${SHARED_FROM_TEMPLATE}contract.ts'`,
        isInstalled ? "'microgpt-bench/contract'" : `'${shared}contract.ts'`,
      )
      .replaceAll(SHARED_FROM_TEMPLATE, shared)
      .replaceAll(SHARED_BESIDE, shared),
  );
}
