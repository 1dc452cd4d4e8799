import {
  type ComparedRow,
  type Comparison,
  type ComparisonRow,
  comparisonSchema,
  type UncomparedRow,
} from '../results/comparison.ts';
import { SCHEMA_VERSION } from '../results/schema.ts';
import { benchResult } from './example-result.ts';

const { task } = benchResult();

/** For tests: a row with a verdict, changed as told. */
export function comparedRow(change: Partial<ComparedRow> = {}): ComparedRow {
  return {
    implementation: 'fast',
    status: 'compared',
    verdict: 'no change',
    reason: 'within ±5% throughout the interval',
    ratio: { median: 1.01, low: 0.99, high: 1.02 },
    control: { median: 1, low: 0.99, high: 1.01 },
    rounds: 8,
    microsecondsPerSample: { base: 50, head: 50.5 },
    ...change,
  };
}

/** For tests: a row without a verdict. */
export function uncomparedRow(change: Partial<UncomparedRow> = {}): UncomparedRow {
  return { implementation: 'other', status: 'skipped', side: 'head', reason: 'python3 not found', ...change };
}

/** For tests: a comparison that the schema accepts. */
export function comparisonOf(rows: readonly ComparisonRow[], change: Partial<Comparison> = {}): Comparison {
  return comparisonSchema.parse({
    schemaVersion: SCHEMA_VERSION,
    createdAt: '2026-01-02T03:04:05.000Z',
    evidence: 'paired',
    base: { name: 'main', commit: 'a'.repeat(40) },
    head: { name: 'HEAD', commit: 'b'.repeat(40) },
    threshold: 0.05,
    task,
    rows,
    notes: [],
    ...change,
  });
}
