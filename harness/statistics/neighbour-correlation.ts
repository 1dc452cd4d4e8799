import { sampleRankCorrelation } from 'simple-statistics';

/** Fewer samples than this say nothing about their correlation. */
const FEWEST = 5;

/** A short series that drifts would else be given an interval without bounds. */
const STRONGEST = 0.7;

/**
 * Estimate of how much a sample resembles the one before it: the correlation ρ of a first-order autoregression, between 0
 * and 0.7. Negative estimates count as 0, so that an interval is never narrowed on the strength of chance.
 *
 * Spearman's rank correlation of neighbours, which a wild sample cannot dominate, corrected for its bias in short series:
 * r is about ρ - (1 + 3ρ) / n on average (M. G. Kendall, "Note on Bias in the Estimation of Autocorrelation", Biometrika
 * 41(3-4), 1954).
 *
 * @param samples in the order they were taken
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
 * How many times wider an interval must be where neighbours are correlated by `rho`. Samples k apart are
 * correlated by ρᵏ; summed over all k, before and after, the variance of a mean is (1 + ρ) / (1 - ρ) times what it is for
 * independent samples.
 */
export function wideningFor(rho: number): number {
  return Math.sqrt((1 + rho) / (1 - rho));
}
