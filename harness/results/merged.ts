import { isDeepStrictEqual } from 'node:util';
import { UsageError } from '../usage-error.ts';
import { rowName, taskDifference } from './names.ts';
import type { BenchResult } from './schema.ts';

/** Results of several machines on one task, joined by implementation. */
export type Merged = ReturnType<typeof mergeResults>;

/**
 * Joins results; each machine keeps its own times and speedups, which are ratios within one run.
 * @param sources at least one
 * @throws UsageError for different tasks, or one run twice
 */
export function mergeResults(sources: readonly { readonly path: string; readonly result: BenchResult }[]) {
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
  const machines = results.map(({ machine, runtime, createdAt, baselines, commit }) => {
    return { machine, runtime, createdAt, baselines, commit };
  });
  const rows = [...keys].map(([key, { implementation, runtime }]) => ({
    implementation,
    runtime,
    /** One a machine, in the machines' order; undefined if that machine has no such row. */
    results: results.map(({ rows }) => rows.find((row) => rowName(row) === key)),
  }));
  return { task: first.result.task, machines, rows };
}
