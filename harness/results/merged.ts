import { isDeepStrictEqual } from 'node:util';
import { UsageError } from '../usage-error.ts';
import { rowName, taskDifference } from './names.ts';
import type { BenchResult, Row } from './schema.ts';

/** Results of several machines on one task, joined by implementation. */
export interface Merged {
  readonly task: BenchResult['task'];
  readonly machines: readonly Pick<BenchResult, 'machine' | 'runtime' | 'createdAt' | 'commit' | 'baselines'>[];
  readonly rows: readonly {
    readonly implementation: string;
    readonly runtime?: string | undefined;
    /** One a machine, in the machines' order; undefined if that machine has no such row. */
    readonly results: readonly (Row | undefined)[];
  }[];
}

/**
 * Joins results; each machine keeps its own times and speedups, which are ratios within one run.
 * @param sources at least one
 * @throws UsageError for different tasks, or one run twice
 */
export function mergeResults(sources: readonly { readonly path: string; readonly result: BenchResult }[]): Merged {
  const [first, ...rest] = sources;
  for (const [i, { path, result }] of sources.entries()) {
    const same = sources.slice(0, i).find((other) => isDeepStrictEqual(other.result, result));
    if (same !== undefined) throw new UsageError(`${path} holds the same run as ${same.path}; name each result once`);
  }
  for (const { path, result } of rest) {
    const difference = taskDifference(first.result.task, result.task);
    if (difference !== undefined) throw new UsageError(`${path} cannot be joined with ${first.path}: ${difference}`);
  }
  const results = sources.map(({ result }) => result);
  const keys = new Map(results.flatMap(({ rows }) => rows).map((row) => [rowName(row), row]));
  return {
    task: first.result.task,
    machines: results.map(({ machine, runtime, createdAt, commit, baselines }) => ({
      machine,
      runtime,
      createdAt,
      baselines,
      commit,
    })),
    rows: [...keys].map(([key, { implementation, runtime }]) => ({
      implementation,
      runtime,
      results: results.map(({ rows }) => rows.find((row) => rowName(row) === key)),
    })),
  };
}
