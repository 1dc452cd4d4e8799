import { join } from 'node:path';
import { z } from 'zod';
import { projectRoot } from '../project.ts';
import { type Interval, SCHEMA_VERSION } from './schema.ts';
import { readJsonFile } from './stored-json.ts';

const publishedRowSchema = z.strictObject({
  implementation: z.string(),
  language: z.string(),
  /** Documents a step, if not one. */
  batch: z.number().int().positive().optional(),
  microsecondsPerSample: z.number().positive(),
  /** CPython on that machine: the others' speedups are over it. */
  baseline: z.literal(true).optional(),
});

/** Figures from the literature: another machine, another clock, so they are never mixed with ours. */
const publishedSchema = z.strictObject({
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

/** @throws UsageError if the file is malformed */
export function readPublished(path: string = join(projectRoot, 'results', 'published.json')): Promise<Published> {
  return readJsonFile(path, publishedSchema);
}

/** The published table of a model with these sizes, or undefined. All have the original's 4 heads, 1 layer, block 16. */
export function publishedTableFor(
  published: Published,
  task: { readonly nEmbd: number; readonly nHead: number; readonly nLayer: number; readonly blockSize: number },
): PublishedTable | undefined {
  if (task.nHead !== 4 || task.nLayer !== 1 || task.blockSize !== 16) return undefined;
  return published.tables.find((table) => table.nEmbd === task.nEmbd);
}

/** Speedup over CPython on the published machine; undefined if the table has no CPython. */
export function publishedSpeedup(row: PublishedRow, table: PublishedTable): number | undefined {
  const baseline = table.rows.find((other) => other.baseline === true);
  return baseline === undefined ? undefined : baseline.microsecondsPerSample / row.microsecondsPerSample;
}

const claimsSchema = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  /** Where the claims come from; their figures are those of `published.json`. */
  source: z.strictObject({ author: z.string(), title: z.string(), url: z.url() }),
  claims: z.array(
    z.strictObject({
      claim: z.string().min(1).max(40),
      /** Two rows of a published table: the factor is the ratio of their times. */
      published: z.strictObject({ faster: z.string(), slower: z.string() }),
      /** The implementations here that answer it, and documents a step. */
      ours: z.strictObject({ faster: z.string(), slower: z.string(), batch: z.number().int().positive() }),
    }),
  ),
});

/** A published factor between two programs, and the implementations here that answer it. */
export interface Claim {
  readonly claim: string;
  readonly factor: number;
  readonly faster: string;
  readonly slower: string;
  readonly batch: number;
}

/** The claims about a model with these sizes, at any batch. @throws UsageError if a file is malformed */
export async function readClaims(
  task: Parameters<typeof publishedTableFor>[1],
  path: string = join(projectRoot, 'results', 'claims.json'),
): Promise<readonly Claim[]> {
  const table = publishedTableFor(await readPublished(), task);
  if (table === undefined) return [];
  const microseconds = new Map(table.rows.map((row) => [row.implementation, row.microsecondsPerSample]));
  const { claims } = await readJsonFile(path, claimsSchema);
  return claims.flatMap(({ claim, published, ours }) => {
    const [faster, slower] = [microseconds.get(published.faster), microseconds.get(published.slower)];
    return faster === undefined || slower === undefined ? [] : [{ claim, factor: slower / faster, ...ours }];
  });
}

/** Whether our ratio lies beyond the published factor, or within; undefined for one process, which gives no interval. */
export function comparedWith(factor: number, { low, high }: Interval): 'higher' | 'lower' | 'within' | undefined {
  if (low === high) return undefined;
  if (low > factor) return 'higher';
  return high < factor ? 'lower' : 'within';
}
