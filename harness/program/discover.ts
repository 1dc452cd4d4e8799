import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { z } from 'zod';
import { suggestion } from '../nearest-name.ts';
import { printableLine } from '../printable.ts';
import { displayPath, implementationsRoot } from '../project.ts';
import { messageOf, readRegularFile } from '../regular-file.ts';
import { UsageError } from '../usage-error.ts';
import { type Manifest, manifestSchema } from './manifest.ts';

/** A folder with a manifest. Its name is the folder's. */
export interface Implementation {
  readonly name: string;
  /** Absolute path. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** `problem` is one line: file, field, what was expected. */
interface BrokenImplementation {
  readonly name: string;
  readonly folder: string;
  readonly problem: string;
}

export type DiscoveredImplementation = Implementation | BrokenImplementation;

export function isBroken(discovered: DiscoveredImplementation): discovered is BrokenImplementation {
  return 'problem' in discovered;
}

/** Folders beside the implementations: what is installed, and what their tests share. */
const notCompeting: ReadonlySet<string> = new Set(['node_modules', 'testing']);

/** Fit for a table, a file name, a command line and a page. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._+-]{0,59}$/u;
const LARGEST_MANIFEST_BYTES = 2 ** 16;

/** Everything in `root`, in the order of the ladder; broken ones come last. */
export function discoverImplementations(
  root: string = implementationsRoot,
): Promise<readonly DiscoveredImplementation[]> {
  return discoverWith([], root);
}

/**
 * The implementations of this project and of `folders`, in the order of the ladder. @throws {UsageError} for a folder that
 * cannot be read, and for one name twice
 */
export async function discoverWith(
  folders: readonly string[],
  builtIn: string = implementationsRoot,
): Promise<readonly DiscoveredImplementation[]> {
  const roots = [...new Set([builtIn, ...folders].map((folder) => resolve(folder)))];
  const inRoots = (await Promise.all(roots.map(foldersIn))).flat();
  const found = (await Promise.all(inRoots.map(readImplementation))).filter((one) => one !== undefined);
  for (const one of found) {
    const first = found.find(({ name }) => name === one.name) ?? one;
    if (first === one) continue;
    throw new UsageError(
      `${displayPath(one.folder)} and ${displayPath(first.folder)} have the same name; rename one of the folders`,
    );
  }
  return found.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}

async function foldersIn(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => {
    throw new UsageError(
      `${displayPath(root)} is not a folder that can be read; expected one folder per implementation`,
    );
  });
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !notCompeting.has(entry.name))
    .map((entry) => join(root, entry.name));
}

/** Undefined for a folder without files, which a checkout of another revision leaves behind. */
async function readImplementation(folder: string): Promise<DiscoveredImplementation | undefined> {
  const name = basename(folder);
  const file = join(folder, 'impl.json');
  const broken = (problem: string): BrokenImplementation => ({
    name: printableLine(name, 60),
    folder,
    problem: printableLine(`${displayPath(file)}: ${problem}`, 1_000),
  });

  if (!NAME.test(name)) {
    return broken(
      'rename the folder; a name has letters, digits, spaces and . _ + -, begins with a letter or digit, and is short',
    );
  }
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => error);
  if (entries instanceof Error) return broken(`the folder cannot be read (${entries.code ?? entries.message})`);
  if (!entries.some((entry) => !entry.isDirectory())) return undefined;
  if (!entries.some((entry) => entry.name === 'impl.json')) {
    return broken('missing; every folder of implementations needs this manifest (impls/README.md describes it)');
  }
  let json: unknown;
  try {
    json = JSON.parse((await readRegularFile(file, LARGEST_MANIFEST_BYTES)).toString('utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    return broken(error instanceof SyntaxError ? `not JSON: ${error.message}` : messageOf(error));
  }
  const parsed = manifestSchema.safeParse(json);
  return parsed.success
    ? { name, folder, manifest: parsed.data }
    : broken(parsed.error.issues.map(describeIssue).join('; '));
}

function describeIssue(found: z.core.$ZodIssue): string {
  const issue = deepestIssue(found);
  const field = issue.path.length === 0 ? 'the manifest' : `field "${issue.path.join('.')}"`;
  return `${field}: ${issue.message.replace(/^Invalid input: /, '')}`;
}

/** Inside a union, the alternative that got furthest is the one that was meant. */
function deepestIssue(issue: z.core.$ZodIssue): Pick<z.core.$ZodIssue, 'path' | 'message'> {
  if (issue.code !== 'invalid_union') return issue;
  const [first, ...rest] = issue.errors.flatMap((alternative) =>
    alternative[0] === undefined ? [] : [deepestIssue(alternative[0])],
  );
  if (first === undefined) return issue;
  const deepest = rest.reduce((best, next) => (next.path.length > best.path.length ? next : best), first);
  return { path: [...issue.path, ...deepest.path], message: deepest.message };
}

function rank(discovered: DiscoveredImplementation): number {
  return isBroken(discovered) ? Number.POSITIVE_INFINITY : discovered.manifest.order;
}

/**
 * The implementations asked for by name, in the order of `all`; all of them by default. @throws {UsageError} for an unknown
 * name, and for one whose manifest is broken
 */
export function selectImplementations(
  all: readonly DiscoveredImplementation[],
  names: readonly string[],
): readonly DiscoveredImplementation[] {
  if (names.length === 0) return all;
  for (const name of names) {
    const found = all.find((candidate) => candidate.name === name);
    if (found === undefined) {
      const known = all.map((candidate) => candidate.name);
      throw new UsageError(`unknown implementation "${name}"${suggestion(name, known)}`);
    }
    if (isBroken(found)) throw new UsageError(found.problem);
  }
  return all.filter((candidate) => names.includes(candidate.name));
}
