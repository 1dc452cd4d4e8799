import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { displayPath, resultsFolder } from '../project.ts';
import { messageOf, readRegularFile } from '../regular-file.ts';
import { UsageError } from '../usage-error.ts';
import {
  type BenchResult,
  intervalSchema,
  machineSchema,
  runtimeSchema,
  SCHEMA_VERSION,
  taskDescriptionSchema,
} from './schema.ts';
import { parseStored } from './stored-json.ts';

/** In the folder of results. */
export const HISTORY_NAME = 'history.ndjson';

export const historyPath: string = join(resultsFolder, HISTORY_NAME);

/** One run in the history: one line of `history.ndjson`. */
export const historyRecordSchema = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  createdAt: z.iso.datetime(),
  commit: z.string().optional(),
  machine: machineSchema,
  runtime: runtimeSchema,
  task: taskDescriptionSchema,
  rows: z.array(
    z.strictObject({
      implementation: z.string(),
      runtime: z.string().optional(),
      microsecondsPerSample: intervalSchema,
      /** How many processes the figure is over, and whether they were warm. */
      processes: z.number().int().positive(),
      steady: z.boolean(),
    }),
  ),
});
export type HistoryRecord = z.infer<typeof historyRecordSchema>;

/** What history keeps of a result: the rows that were verified. */
export function historyRecord(result: BenchResult): HistoryRecord {
  const { schemaVersion, createdAt, commit, machine, runtime, task } = result;
  return {
    schemaVersion,
    createdAt,
    ...(commit === undefined ? {} : { commit }),
    machine,
    runtime,
    task,
    rows: result.rows
      .filter((row) => row.status === 'verified')
      .map((row) => ({
        implementation: row.implementation,
        ...(row.runtime === undefined ? {} : { runtime: row.runtime }),
        microsecondsPerSample: row.microsecondsPerSample,
        processes: row.roundsMicrosecondsPerSample.length,
        steady: row.steady,
      })),
  };
}

/**
 * Appends one record. It goes out as a single write to a file opened for appending, which the system places whole behind what
 * is there (O_APPEND, POSIX write(2)), so that two runs at once do not mix their lines. A line that an older run left without
 * its end, on a full disk, is closed first.
 */
export async function appendHistory(record: HistoryRecord, path: string = historyPath): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'a+');
  try {
    const { size } = await file.stat();
    const last = size === 0 ? Buffer.from('\n') : (await file.read(Buffer.alloc(1), 0, 1, size - 1)).buffer;
    const line = Buffer.from(`${last[0] === 10 ? '' : '\n'}${JSON.stringify(record)}\n`);
    const { bytesWritten } = await file.write(line);
    if (bytesWritten !== line.length)
      throw new Error(`${path}: only ${bytesWritten} of ${line.length} bytes were written`);
  } finally {
    await file.close();
  }
}

/** A history as far as it can be read. */
export interface History {
  /** Oldest first. */
  readonly records: readonly HistoryRecord[];
  /** One line for each record that cannot be read: where, and why. */
  readonly unreadable: readonly string[];
}

const LARGEST_HISTORY_BYTES = 512 * 2 ** 20;

/**
 * Reads a history. A line that is damaged, or of an older version, takes no other with it.
 *
 * @throws UsageError where there is no history yet, or not one line can be read
 */
export async function readHistory(path: string = historyPath): Promise<History> {
  const shown = displayPath(path);
  const bytes = await readRegularFile(path, LARGEST_HISTORY_BYTES).catch((error) => {
    throw new UsageError(`${shown}: the history ${messageOf(error)}; every \`npm run bench\` adds to it`);
  });
  const records: HistoryRecord[] = [];
  const unreadable: string[] = [];
  for (const [index, line] of bytes.toString('utf8').split('\n').entries()) {
    if (line.trim() === '') continue;
    try {
      records.push(parseStored(line, historyRecordSchema, `${shown}, line ${index + 1}`));
    } catch (error) {
      unreadable.push(messageOf(error));
    }
  }
  if (records.length === 0 && unreadable[0] !== undefined) throw new UsageError(unreadable[0]);
  return { records: records.sort((a, b) => a.createdAt.localeCompare(b.createdAt)), unreadable };
}
