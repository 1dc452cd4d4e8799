import { type Interval, medianInterval } from './median-interval.ts';

/** On either side of a ratio: with fewer, the interval rests on an assumption. */
export const FEWEST_PROCESSES_FOR_A_VERDICT = 5;

/**
 * Ratio of the medians of two sets of samples without rounds in common, with its 95% interval, from the intervals of both
 * medians (Zou & Donner, "Construction of Confidence Limits About Effect Measures: A General Approach", Statistics in Medicine
 * 27(10), 2008, of logarithms).
 * @throws RangeError if a side has no sample, or one that is not positive and finite
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
 * Interval of a ratio of two times, taken inside each round, in which both met the same machine (Kalibera & Jones, "Quantifying
 * Performance Changes with Effect Size Confidence Intervals", University of Kent 2012, arXiv 2007.10899).
 * @param numerators one time a round; undefined for a round without one; `denominators` likewise
 * @returns undefined if no round has both
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
