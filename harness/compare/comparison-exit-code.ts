import { exitCode } from '../cli/exit-code.ts';
import type { Comparison, ComparisonRow } from '../results/comparison.ts';

/** What `compare` adds to the exit codes of all commands. */
export const comparisonExitCode = {
  ...exitCode,
  /** An implementation became slower: confirmed where revisions were compared, unconfirmed where stored results were. */
  regression: 3,
  /** At least one verdict is inconclusive; only with `--strict`. */
  inconclusive: 4,
} as const;

/**
 * One code for all rows, the gravest first: head wrong or broken (1), a regression (3), bad input, which is a base that there
 * is no comparing with and a manifest that cannot be read (2), and with `--strict` an inconclusive verdict (4).
 */
export function exitCodeOf(comparison: Comparison, strict: boolean): number {
  const some = (test: (row: ComparisonRow) => boolean) => comparison.rows.some(test);
  const failed = (row: ComparisonRow) => row.status === 'wrong' || row.status === 'broken';
  if (some((row) => failed(row) && 'side' in row && row.side === 'head')) return comparisonExitCode.wrong;
  if (some((row) => row.status === 'compared' && row.verdict === 'regression')) return comparisonExitCode.regression;
  if (some((row) => failed(row) || row.status === 'unreadable')) return comparisonExitCode.usage;
  if (strict && some((row) => row.status === 'compared' && row.verdict === 'inconclusive')) {
    return comparisonExitCode.inconclusive;
  }
  return comparisonExitCode.ok;
}
