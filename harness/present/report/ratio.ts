import type { Interval, VerifiedRow } from '../../results/schema.ts';

/** How many times faster a row is than a baseline; undefined where they were not compared. A baseline may have any name, `__proto__` too. */
export function ratioOver({ speedup }: VerifiedRow, baseline: string): Interval | undefined {
  return Object.hasOwn(speedup, baseline) ? speedup[baseline] : undefined;
}

/**
 * How many times faster a row is than another. Where both were compared with the same baseline, round by round, the factor is
 * that of their ratios: documents differ in length, and the rows may have trained on different numbers of them.
 */
export function factorBetween(fast: VerifiedRow, slow: VerifiedRow): number {
  for (const [baseline, ratio] of Object.entries(fast.speedup)) {
    const other = ratioOver(slow, baseline);
    if (other !== undefined) return ratio.median / other.median;
  }
  return slow.microsecondsPerSample.median / fast.microsecondsPerSample.median;
}
