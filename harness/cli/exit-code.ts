import { type DiscoveredImplementation, isBroken } from '../program/discover.ts';
import type { Comparison, ComparisonRow } from '../results/comparison.ts';
import type { Row } from '../results/schema.ts';

export const exitCode = {
  /** Every row verified; skipped ones were named. */
  ok: 0,
  /** An implementation is wrong or broke. */
  wrong: 1,
  /** Bad usage or bad input. */
  usage: 2,
  /** `compare`: an implementation became slower; confirmed for revisions, unconfirmed for stored results. */
  regression: 3,
  /** `compare --strict`: at least one verdict is inconclusive. */
  inconclusive: 4,
  /** After Ctrl-C, as shells have it: 128 + SIGINT. */
  interrupted: 130,
} as const;

type Outcome = Pick<Row, 'implementation' | 'status'>;

/** A wrong implementation weighs more than a manifest that cannot be read, which is bad input. */
export function rowExitCode(rows: readonly Outcome[], chosen: readonly DiscoveredImplementation[]): number {
  const unreadable = chosen.filter(isBroken).map(({ name }) => name);
  const failures = rows.filter(({ status }) => status === 'mismatch' || status === 'error');
  if (failures.some((row) => !unreadable.includes(row.implementation))) return exitCode.wrong;
  return unreadable.length > 0 ? exitCode.usage : exitCode.ok;
}

/**
 * The gravest of all rows: head is wrong, broke, no longer runs, or lost every row (1); a regression (3); bad input, that is a
 * base that fails or a manifest that cannot be read (2); with `--strict` an inconclusive verdict (4).
 */
export function comparisonExitCode({ rows }: Comparison, strict: boolean): number {
  const isHeadsFailure = (row: ComparisonRow) =>
    row.status === 'lost' || ((row.status === 'wrong' || row.status === 'broken') && row.side === 'head');
  const hasVerdict = (verdict: string) => rows.some((row) => row.status === 'compared' && row.verdict === verdict);
  const lostAll = rows.length > 0 && rows.every(({ status }) => status === 'removed');
  if (lostAll || rows.some(isHeadsFailure)) return exitCode.wrong;
  if (hasVerdict('regression')) return exitCode.regression;
  if (rows.some(({ status }) => ['wrong', 'broken', 'unreadable'].includes(status))) return exitCode.usage;
  return strict && hasVerdict('inconclusive') ? exitCode.inconclusive : exitCode.ok;
}
