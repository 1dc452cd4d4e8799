import { segmentsOf } from '../statistics/change-point.ts';
import { taskKey } from './comparable.ts';
import type { HistoryRecord } from './history.ts';
import { rowName, taskName } from './names.ts';
import type { Interval, Machine } from './schema.ts';

/** One figure in an implementation's history. */
export interface TrendPoint {
  readonly createdAt: string;
  readonly commit?: string;
  readonly microsecondsPerSample: Interval;
  readonly processes: number;
  readonly steady: boolean;
}

/** Where the level of a trend changed: the first run on the new level. */
export interface TrendStep {
  readonly at: TrendPoint;
  /** The last run on the level before: what changed lies between the two commits. */
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

/** Trends of all implementations, those of the same machine, task and runtime side by side. Figures that cannot be compared are never in one trend. */
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
        ...(record.commit === undefined ? {} : { commit: record.commit }),
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
