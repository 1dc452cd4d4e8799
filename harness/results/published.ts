import { join } from 'node:path';
import { z } from 'zod';
import { projectRoot } from '../project.ts';
import { SCHEMA_VERSION } from './schema.ts';
import { readJsonFile } from './stored-json.ts';

const publishedRowSchema = z.strictObject({
  implementation: z.string(),
  language: z.string(),
  /** Documents a step, where it is not one. */
  batch: z.number().int().positive().optional(),
  microsecondsPerSample: z.number().positive(),
  /** The row that the others' speedups are over: CPython on that machine. */
  baseline: z.literal(true).optional(),
});

/** Figures from the literature: another machine, another clock, so they are never mixed with ours. */
export const publishedSchema = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  source: z.strictObject({ author: z.string(), title: z.string(), url: z.url() }),
  machine: z.string(),
  dataset: z.string(),
  tables: z.array(
    z.strictObject({
      preset: z.string(),
      nEmbd: z.number().int().positive(),
      rows: z.array(publishedRowSchema).min(1),
    }),
  ),
});

export type Published = z.infer<typeof publishedSchema>;
export type PublishedTable = Published['tables'][number];
export type PublishedRow = PublishedTable['rows'][number];

/** @throws UsageError where the file is malformed */
export function readPublished(path: string = join(projectRoot, 'results', 'published.json')): Promise<Published> {
  return readJsonFile(path, publishedSchema);
}

/** The published table of a model with these sizes, or undefined. All of them are the original's shape: 4 heads, 1 layer, block 16. */
export function publishedTableFor(
  published: Published,
  task: { readonly nEmbd: number; readonly nHead: number; readonly nLayer: number; readonly blockSize: number },
): PublishedTable | undefined {
  if (task.nHead !== 4 || task.nLayer !== 1 || task.blockSize !== 16) return undefined;
  return published.tables.find((table) => table.nEmbd === task.nEmbd);
}

/** Speedup over CPython on the machine that was published; undefined where the table has no CPython. */
export function publishedSpeedup(row: PublishedRow, table: PublishedTable): number | undefined {
  const baseline = table.rows.find((other) => other.baseline === true);
  return baseline === undefined ? undefined : baseline.microsecondsPerSample / row.microsecondsPerSample;
}
