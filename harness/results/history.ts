import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { displayPath, resultsFolder } from '../project.ts';
import { messageOf, readRegularFile } from '../regular-file.ts';
import { segmentsOf } from '../statistics/change-point.ts';
import { taskDescriptionSchema } from '../task/task.ts';
import { UsageError } from '../usage-error.ts';
import { rowName, taskKey, taskName } from './names.ts';
import {
  type BenchResult,
  intervalSchema,
  type Machine,
  machineSchema,
  runtimeSchema,
  SCHEMA_VERSION,
} from './schema.ts';
import { parseStored } from './stored-json.ts';

export const HISTORY_NAME = 'history.ndjson';

export const historyPath: string = join(resultsFolder, HISTORY_NAME);

/** One run: one line of `history.ndjson`. */
const historyRecordSchema = z.strictObject({
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
      processes: z.number().int().positive(),
      steady: z.boolean(),
    }),
  ),
});
export type HistoryRecord = z.infer<typeof historyRecordSchema>;

/** The rows that were verified. */
export function historyRecord(result: BenchResult): HistoryRecord {
  const { schemaVersion, createdAt, commit, machine, runtime, task } = result;
  return {
    schemaVersion,
    createdAt,
    commit,
    machine,
    runtime,
    task,
    rows: result.rows
      .filter((row) => row.status === 'verified')
      .map((row) => ({
        implementation: row.implementation,
        runtime: row.runtime,
        microsecondsPerSample: row.microsecondsPerSample,
        processes: row.roundsMicrosecondsPerSample.length,
        steady: row.steady,
      })),
  };
}

/**
 * Appends one record in a single write, which the system places whole at the end (O_APPEND, POSIX write(2)): two runs at once
 * do not mix their lines. A last line without its end, left by a full disk, is closed first.
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

interface History {
  /** Oldest first. */
  readonly records: readonly HistoryRecord[];
  /** One line for each record that cannot be read. */
  readonly unreadable: readonly string[];
}

const LARGEST_HISTORY_BYTES = 512 * 2 ** 20;

/**
 * Reads a history, without the lines that are damaged or of an older version. @throws UsageError if there is no history, or no
 * readable line
 */
export async function readHistory(path: string = historyPath): Promise<History> {
  const shown = displayPath(path);
  const bytes = await readRegularFile(path, LARGEST_HISTORY_BYTES).catch((error) => {
    throw new UsageError(
      `${shown}: the history ${messageOf(error)}; every \`npm run bench\` without --quick adds to it`,
    );
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

type HistoryRow = HistoryRecord['rows'][number];
export type TrendPoint = Pick<HistoryRecord, 'createdAt' | 'commit'> &
  Pick<HistoryRow, 'microsecondsPerSample' | 'processes' | 'steady'>;

interface TrendStep {
  readonly at: TrendPoint;
  /** What changed lies between the two commits. */
  readonly before: TrendPoint;
  /** New level over old: above 1 is slower. */
  readonly ratio: number;
}

/** One implementation on one machine, task and runtime, oldest run first. */
export interface Trend {
  readonly implementation: string;
  readonly taskName: string;
  readonly machine: Pick<Machine, 'fingerprint' | 'platform' | 'cpu'>;

  readonly runtime: string;
  readonly points: readonly TrendPoint[];
  readonly steps: readonly TrendStep[];
}

/** Trends of all implementations, those of the same machine, task and runtime side by side. */
export function trendsOf(records: readonly HistoryRecord[]): readonly Trend[] {
  const groups = new Map<
    string,
    { readonly first: HistoryRecord; readonly name: string; readonly points: TrendPoint[] }
  >();
  for (const record of records) {
    for (const row of record.rows) {
      const name = rowName(row);
      const key = [record.machine.fingerprint, taskKey(record.task), runtimeName(record), name].join('|');
      const group = groups.get(key) ?? { first: record, name, points: [] };
      group.points.push({
        createdAt: record.createdAt,
        commit: record.commit,
        microsecondsPerSample: row.microsecondsPerSample,
        processes: row.processes,
        steady: row.steady,
      });
      groups.set(key, group);
    }
  }
  return [...groups.values()].map(({ first, name, points }) => ({
    implementation: name,
    taskName: taskName(first.task),
    machine: { fingerprint: first.machine.fingerprint, platform: first.machine.platform, cpu: first.machine.cpu },
    runtime: runtimeName(first),
    points,
    steps: stepsIn(points),
  }));
}

function stepsIn(points: readonly TrendPoint[]): readonly TrendStep[] {
  const segments = segmentsOf(points.map((point) => point.microsecondsPerSample.median));
  return segments.slice(1).map((segment, i) => ({
    at: points[segment.from],
    before: points[segment.from - 1],
    ratio: segment.median / segments[i].median,
  }));
}

function runtimeName({ runtime }: HistoryRecord): string {
  return `${runtime.name} ${runtime.version}`;
}
