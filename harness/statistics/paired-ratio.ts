import { type Interval, medianInterval } from './median-interval.ts';

/**
 * Interval of a ratio of two times from rounds in which both were measured: the ratio is taken inside each round, where both
 * met the same machine, and the interval is over those ratios (Kalibera & Jones 2013, section 7, on why the ratio of two
 * summary values is not enough).
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
