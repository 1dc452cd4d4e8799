import { hash } from 'node:crypto';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { printableLine } from '../printable.ts';
import { isInstalled, restoring } from '../project.ts';
import { messageOf, readRegularFile } from '../regular-file.ts';
import { UsageError } from '../usage-error.ts';
import { documentsOf } from './documents.ts';

/** A text file with one document a line. */
export interface Dataset {
  /** `us-names-2016` or `names` if these are the contents, otherwise the file's own name. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  /** Of the file's bytes, in hexadecimal. */
  readonly sha256: string;
  /** Its lines, stripped, without the empty ones. */
  readonly documents: string[];
}

interface NamedDataset {
  readonly path: string;
  readonly sha256: string;
  /** What to do if the file is missing or altered. */
  readonly remedy: string;
}

export const namedDatasets = {
  'us-names-2016': {
    path: pathOf('us-names-2016.txt'),
    sha256: '627ce1b911bad87066fb821c8c8a361ca72f6a670e8ab77687285a6759f20420',
    remedy: restoring(pathOf('us-names-2016.txt')),
  },
  names: {
    path: pathOf('names.txt'),
    sha256: '0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d',
    remedy: `${isInstalled ? '' : 'fetch it with `npm run data`, or '}give its path to --dataset`,
  },
} as const satisfies Record<string, NamedDataset>;

export type DatasetName = keyof typeof namedDatasets;

/** Some 300 times the original's file; it is held in memory several times. */
const MAX_FILE_BYTES = 64 * 2 ** 20;

/**
 * Reads a data set by name, or a text file by path. @throws UsageError if it is missing, empty, too large, not UTF-8, or not
 * what its name promises
 */
export async function readDataset(
  nameOrPath: string,
  byName: Readonly<Record<string, NamedDataset>> = namedDatasets,
): Promise<Dataset> {
  const named = Object.hasOwn(byName, nameOrPath) ? byName[nameOrPath] : undefined;
  const path = named?.path ?? resolve(nameOrPath);
  const bytes = await readBytes(path, named);

  const sha256 = hash('sha256', bytes);
  if (named !== undefined && sha256 !== named.sha256) {
    throw new UsageError(
      `Data set ${nameOrPath}: expected a file with SHA-256 ${named.sha256}, found ${sha256} in ${path}; ${named.remedy}.`,
    );
  }
  const documents = documentsOf(decode(bytes, path));
  if (documents.length === 0)
    throw new UsageError(`Data set ${path} is empty: expected text with one document a line.`);
  const known = Object.entries(byName).find(([, other]) => other.sha256 === sha256);
  return { name: known?.[0] ?? printableLine(basename(path), 60), path, sha256, documents };
}

async function readBytes(path: string, named: NamedDataset | undefined): Promise<Buffer> {
  return readRegularFile(path, MAX_FILE_BYTES).catch((error) => {
    const remedy = named?.remedy ?? `give ${Object.keys(namedDatasets).join(', ')} or the path of a text file`;
    throw new UsageError(`Data set ${path} ${messageOf(error)}; expected text with one document a line; ${remedy}.`);
  });
}

function decode(bytes: Buffer, path: string): string {
  if (bytes.includes(0))
    throw new UsageError(`Data set ${path} is not text: it holds a NUL byte at ${bytes.indexOf(0)}.`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new UsageError(`Data set ${path} is not UTF-8 text: convert it, or give another file.`);
  }
}

function pathOf(fileName: string): string {
  return fileURLToPath(new URL(`../../reference/datasets/${fileName}`, import.meta.url));
}
