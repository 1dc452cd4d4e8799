import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { verdictSchema } from '../../harness/results/comparison.ts';
import { intervalSchema } from '../../harness/results/schema.ts';

const positive = z.number().positive();
const comparison = z.strictObject({
  verdict: verdictSchema,
  reason: z.string(),
  exitCode: z.number().int(),
  seconds: positive,
  ratio: positive,
  loadAverage: z.number().nonnegative(),
});

/** What is measured so far. It is saved after every run, so that an interrupted measurement can continue. */
const recordSchema = z.strictObject({
  /** A revision compared with itself: on an idle machine, and while another process loads a core. */
  sameCalm: z.array(comparison),
  sameLoaded: z.array(comparison),
  /** Comparisons with a head that is slowed on purpose. */
  slowed10: z.array(comparison),
  slowed20: z.array(comparison),
  /** Intervals of repeated `bench` runs, in µs a document. */
  coverage: z.array(intervalSchema),
  /** Time reported by the harness, divided by a bare loop's: one ratio for each pair of processes. */
  overhead: z.array(positive),
});

export type Record = z.infer<typeof recordSchema>;
export type ComparisonRun = z.infer<typeof comparison>;

const empty: Record = { sameCalm: [], sameLoaded: [], slowed10: [], slowed20: [], coverage: [], overhead: [] };

export async function readRecord(file: string): Promise<Record> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? structuredClone(empty) : recordSchema.parse(JSON.parse(text));
}

export async function saveRecord(file: string, record: Record): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFileAtomic(file, JSON.stringify(record, undefined, 2));
}
