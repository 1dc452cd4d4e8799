import type { Baseline, BenchResult, Interval, VerifiedRow } from './schema.ts';

/** The baseline with a role, such as CPython's own row, if it was in this run. */
export function baselineWithRole(
  { baselines }: Pick<BenchResult, 'baselines'>,
  role: Baseline['role'],
): Baseline | undefined {
  return baselines.find((baseline) => baseline.role === role);
}

/** How many times faster a row is than the baseline with a role; undefined if either was not timed. */
export function speedupOver(
  result: Pick<BenchResult, 'baselines'>,
  row: VerifiedRow,
  role: NonNullable<Baseline['role']>,
): Interval | undefined {
  const baseline = baselineWithRole(result, role);
  return baseline && ratioOver(row, baseline.row);
}

/** How many times faster a row is than a baseline; undefined if they were not compared. A baseline may have any name, `__proto__` too. */
export function ratioOver({ speedup }: VerifiedRow, baseline: string): Interval | undefined {
  return Object.hasOwn(speedup, baseline) ? speedup[baseline] : undefined;
}

/**
 * How many times faster a row is than another. If both have the same baseline, the factor is that of their ratios: documents
 * differ in length, and the rows may have trained on different numbers of them.
 */
export function factorBetween(fast: VerifiedRow, slow: VerifiedRow): number {
  for (const [baseline, ratio] of Object.entries(fast.speedup)) {
    const other = ratioOver(slow, baseline);
    if (other !== undefined) return ratio.median / other.median;
  }
  return slow.microsecondsPerSample.median / fast.microsecondsPerSample.median;
}
