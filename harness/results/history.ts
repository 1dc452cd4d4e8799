import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { commandLine, displayPath, resultsFolder } from '../project.ts';
import { messageOf, readRegularFile } from '../regular-file.ts';
import { segmentsOf } from '../statistics/change-point.ts';
import { UsageError } from '../usage-error.ts';
import { rowName, taskKey, taskName } from './names.ts';
import { type BenchResult, benchResultSchema, isVerified, type Machine, verifiedRowSchema } from './schema.ts';
import { parseStored } from './stored-json.ts';

export const HISTORY_NAME = 'history.ndjson';

export const historyPath: string = join(resultsFolder, HISTORY_NAME);

/** One run: one line of `history.ndjson`. */
const historyRecordSchema = benchResultSchema
  .pick({ schemaVersion: true, createdAt: true, commit: true, machine: true, runtime: true, task: true })
  .extend({
    rows: z.array(
      verifiedRowSchema
        .pick({ implementation: true, runtime: true, microsecondsPerSample: true, steady: true })
        .extend({ processes: z.number().int().positive() }),
    ),
  });
export type HistoryRecord = z.infer<typeof historyRecordSchema>;

/** The rows that were verified. */
export function historyRecord(result: BenchResult): HistoryRecord {
  const { schemaVersion, createdAt, commit, machine, runtime, task } = result;
  const rows = result.rows.filter(isVerified).map((row) => {
    const { implementation, runtime, microsecondsPerSample, steady } = row;
    return {
      implementation,
      runtime,
      microsecondsPerSample,
      steady,
      processes: row.roundsMicrosecondsPerSample.length,
    };
  });
  return { schemaVersion, createdAt, commit, machine, runtime, task, rows };
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
      `${shown}: the history ${messageOf(error)}; every \`${commandLine('bench')}\` without --quick adds to it`,
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
  const timings = records.flatMap((record) => record.rows.map((row) => ({ record, row })));
  const groups = Map.groupBy(timings, ({ record, row }) =>
    [record.machine.fingerprint, taskKey(record.task), runtimeName(record), rowName(row)].join('|'),
  );
  return [...groups.values()].map((group) => {
    const [{ record, row }] = group;
    const { fingerprint, platform, cpu } = record.machine;
    const points = group.map(({ record: { createdAt, commit }, row: { microsecondsPerSample, processes, steady } }) => {
      return { createdAt, commit, microsecondsPerSample, processes, steady };
    });
    return {
      implementation: rowName(row),
      taskName: taskName(record.task),
      machine: { fingerprint, platform, cpu },
      runtime: runtimeName(record),
      points,
      steps: stepsIn(points),
    };
  });
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
