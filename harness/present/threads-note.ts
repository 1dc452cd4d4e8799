import { type BenchResult, isVerified } from '../results/schema.ts';
import { formatNumber } from './number-format.ts';

/** What threads can gain on this machine, by the result that measured most; empty if no row with several threads was timed. */
export function threadsNote(results: readonly BenchResult[]): string[] {
  const gains = results.flatMap(({ rows, machine: { threadsGain } }) =>
    threadsGain !== undefined && rows.some((row) => isVerified(row) && row.threads > 1) ? [threadsGain] : [],
  );
  const [most] = gains.toSorted((a, b) => b.overOne - a.overOne);
  if (most === undefined) return [];
  const { threads, overOne } = most;
  return [
    `${threads} threads do ×${formatNumber(overOne)} of one thread's multiply-adds here: a row near the peak gains no more by threads`,
  ];
}
