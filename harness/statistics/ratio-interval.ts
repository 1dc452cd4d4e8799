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

/**
 * Interval of a ratio of two times from rounds in which both were measured: the ratio is taken inside each round, where both
 * met the same machine, and the interval is over those ratios (on why a ratio needs an interval
 * of its own: Kalibera & Jones, "Quantifying Performance Changes with Effect Size Confidence Intervals", University of Kent
 * 2012, arXiv 2007.10899).
 *
 * @param numerators one time a round, index = round; undefined where that round was not measured
 * @param denominators likewise
 * @returns undefined where no round has both
 */
export function pairedRatioInterval(
  numerators: readonly (number | undefined)[],
  denominators: readonly (number | undefined)[],
): Interval | undefined {
  const ratios: number[] = [];
  numerators.forEach((numerator, round) => {
    const denominator = denominators[round];
    if (numerator !== undefined && denominator !== undefined) ratios.push(numerator / denominator);
  });
  return ratios.length === 0 ? undefined : medianInterval(ratios);
}
