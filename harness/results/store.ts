import { constants } from 'node:fs';
import { access, mkdir, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { displayPath, resultsFolder } from '../project.ts';
import { succeeds } from '../regular-file.ts';
import { UsageError } from '../usage-error.ts';
import { HISTORY_NAME } from './history.ts';
import { type BenchResult, benchResultSchema, SCHEMA_VERSION } from './schema.ts';
import { readJsonFile } from './stored-json.ts';

/**
 * Path of a new results file. It begins with the time, so that files sort by age, to the millisecond: two runs may begin in the
 * same second.
 */
export function resultPath(createdAt: string, taskName: string, folder: string = resultsFolder): string {
  const time = createdAt.replaceAll(/[:.]/g, '-');
  return join(folder, `${time}-${taskName.replaceAll(/[^\w.-]+/g, '-')}.json`);
}

/** Writes the file whole or not at all: a run that is killed leaves what it had saved last. @throws UsageError if it cannot be written */
export async function saveResult(path: string, result: BenchResult): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, `${JSON.stringify(result, undefined, 2)}\n`, { fsync: false });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`results cannot be kept (${reason}); choose another folder with --results, or use --no-save`);
  }
}

/**
 * Tries whether results and the history can be kept in a folder, before anybody measures for minutes. Makes nothing. @throws
 * UsageError if they cannot
 */
export async function checkResultsFolder(folder: string): Promise<void> {
  const where = `--results ${displayPath(folder)}`;
  const nearest = await nearestPresent(resolve(folder));
  if (!(await stat(nearest)).isDirectory()) {
    throw new UsageError(`${where}: got a file, ${displayPath(nearest)}; expected a folder; name another`);
  }
  if (!(await isWritable(nearest))) {
    throw new UsageError(
      `${where}: ${displayPath(nearest)} cannot be written to; name another folder, or use --no-save`,
    );
  }
  const history = join(folder, HISTORY_NAME);
  const present = await stat(history).catch(() => undefined);
  if (present !== undefined && !(present.isFile() && (await isWritable(history)))) {
    throw new UsageError(
      `${displayPath(history)}: got something else than a file that can be written; expected the history; move it away, or use --no-save`,
    );
  }
}

/** The path itself if it is there, else the first folder above it that is. */
async function nearestPresent(path: string): Promise<string> {
  const isPresent = await succeeds(stat(path));
  return isPresent || dirname(path) === path ? path : nearestPresent(dirname(path));
}

function isWritable(path: string): Promise<boolean> {
  return succeeds(access(path, constants.W_OK));
}

/** The task's part of a results file's name; undefined if {@link resultPath} did not make it. */
export function resultTaskName(path: string): string | undefined {
  return /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:-\d{3})?Z-(.+)\.json$/.exec(basename(path))?.[1];
}

/** Paths of the results in a folder, the newest first; none if it is not there. @throws UsageError if it cannot be read */
export async function resultPaths(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(({ code }: NodeJS.ErrnoException) => {
    if (code === 'ENOENT') return [];
    throw new UsageError(`--results ${displayPath(folder)}: cannot be read (${code}); name another folder`);
  });
  const results = names.filter((name) => resultTaskName(name) !== undefined);
  return results
    .sort()
    .reverse()
    .map((name) => join(folder, name));
}

/** @throws UsageError if it is no result of this version */
export function readResult(path: string): Promise<BenchResult> {
  return readJsonFile(path, benchResultSchema);
}

const severalSchema = z.looseObject({ scaling: z.unknown().optional() });
const scalingSchema = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  scaling: z.array(benchResultSchema).min(1),
});

/** One stored result, or all that `bench --scaling --json` wrote. @throws UsageError as {@link readResult} */
export async function readResults(path: string): Promise<readonly BenchResult[]> {
  const { scaling } = await readJsonFile(path, severalSchema);
  return scaling === undefined ? [await readResult(path)] : (await readJsonFile(path, scalingSchema)).scaling;
}
