import { type Interval, medianInterval } from './median-interval.ts';

/** Processes that either side of a ratio needs before a verdict may rest on it: with fewer, the interval hangs on an assumption. */
export const FEWEST_PROCESSES_FOR_A_VERDICT = 5;

/**
 * Ratio of the medians of two sets of samples that have no rounds in common, with its 95% interval, from the intervals of
 * both medians (Zou & Donner, "Construction of Confidence Limits About Effect Measures: A General Approach", Statistics in
 * Medicine 27(10), 2008: for a difference, here of logarithms).
 *
 * @throws RangeError where a side has no sample, or one that is not positive and finite
 */
export function independentRatioInterval(numerators: readonly number[], denominators: readonly number[]): Interval {
  const above = medianInterval(numerators);
  const below = medianInterval(denominators);
  const median = above.median / below.median;
  const down = Math.hypot(Math.log(above.low / above.median), Math.log(below.high / below.median));
  const up = Math.hypot(Math.log(above.high / above.median), Math.log(below.low / below.median));
  return { median, low: median * Math.exp(-down), high: median * Math.exp(up) };
}
