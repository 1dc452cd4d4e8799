import type { Baseline, BenchResult, Interval, VerifiedRow } from './schema.ts';

/** The baseline with a role, such as CPython's own row; undefined where it was not in this run. */
export function baselineWithRole(
  { baselines }: Pick<BenchResult, 'baselines'>,
  role: Baseline['role'],
): Baseline | undefined {
  return baselines.find((baseline) => baseline.role === role);
}

/** How many times faster a row is than the baseline with a role; undefined where either was not timed. */
export function speedupOver(
  result: Pick<BenchResult, 'baselines'>,
  row: VerifiedRow,
  role: NonNullable<Baseline['role']>,
): Interval | undefined {
  const baseline = baselineWithRole(result, role);
  return baseline === undefined ? undefined : row.speedup[baseline.row];
}
