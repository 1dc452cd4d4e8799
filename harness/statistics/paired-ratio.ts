import { type Interval, medianInterval } from './median-interval.ts';

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
