import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { resultsFolder } from '../project.ts';
import { UsageError } from '../usage-error.ts';
import { type BenchResult, benchResultSchema, SCHEMA_VERSION } from './schema.ts';
import { readJsonFile } from './stored-json.ts';

/**
 * Path of a new results file: its time and task in the name, so that files sort by age. The time has milliseconds: two runs may
 * begin in the same second.
 *
 * @param createdAt ISO date and time, with milliseconds
 */
export function resultPath(createdAt: string, taskName: string, folder: string = resultsFolder): string {
  const time = createdAt.replaceAll(/[:.]/g, '-');
  return join(folder, `${time}-${taskName.replaceAll(/[^\w.-]+/g, '-')}.json`);
}

/**
 * Writes a result so that the file is there whole or as it was before: a run that is killed leaves what it had saved last.
 *
 * @throws UsageError where the folder or file cannot be written
 */
export async function saveResult(path: string, result: BenchResult): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, `${JSON.stringify(result, undefined, 2)}\n`, { fsync: false });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`results cannot be kept (${reason}); choose another folder with --results, or use --no-save`);
  }
}

/** The task's part of a results file's name, or undefined where {@link resultPath} did not make it. */
export function resultTaskName(fileName: string): string | undefined {
  return /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:-\d{3})?Z-(.+)\.json$/.exec(fileName)?.[1];
}

/** Reads a stored result. @throws UsageError where it is not one of this version */
export function readResult(path: string): Promise<BenchResult> {
  return readJsonFile(path, benchResultSchema);
}

const severalSchema = z.looseObject({ scaling: z.unknown().optional() });
const scalingSchema = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  scaling: z.array(benchResultSchema).min(1),
});

/** Reads one stored result, or all that `bench --scaling --json` wrote. @throws UsageError as {@link readResult} */
export async function readResults(path: string): Promise<readonly BenchResult[]> {
  const { scaling } = await readJsonFile(path, severalSchema);
  return scaling === undefined ? [await readResult(path)] : (await readJsonFile(path, scalingSchema)).scaling;
}
