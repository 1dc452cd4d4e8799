import { sampleRankCorrelation } from 'simple-statistics';

/** Fewer samples say nothing about their correlation. */
const FEWEST = 5;

/** Otherwise a short series that drifts would get an interval without bounds. */
const STRONGEST = 0.7;

/**
 * Correlation ρ of each sample with the one before it, in a first-order autoregression: between 0 and 0.7. A negative estimate
 * counts as 0, so that chance never narrows an interval.
 *
 * Spearman's rank correlation of neighbours, which a wild sample cannot dominate, corrected for its bias in short series: r is
 * about ρ - (1 + 3ρ) / n on average (M. G. Kendall, "Note on Bias in the Estimation of Autocorrelation", Biometrika 41(3-4),
 * 1954).
 */
export function neighbourCorrelation(samples: readonly number[]): number {
  const n = samples.length;
  if (n < FEWEST) return 0;
  const r = sampleRankCorrelation(samples.slice(0, -1), samples.slice(1));
  // All samples but the first, or but the last, are equal.
  if (Number.isNaN(r)) return 0;
  return Math.min(STRONGEST, Math.max(0, (r + 1 / n) / (1 - 3 / n)));
}

/**
 * How many times wider an interval is if neighbours are correlated by `rho`: samples k apart are correlated by ρᵏ, which summed
 * over all k makes the variance of a mean (1 + ρ) / (1 - ρ) times that of independent samples.
 */
export function wideningFor(rho: number): number {
  return Math.sqrt((1 + rho) / (1 - rho));
}
