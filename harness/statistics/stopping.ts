import { medianInterval, relativeHalfWidth } from './median-interval.ts';

const FEWEST_BEFORE_LOOKING = 7;

/**
 * Stopping at the first narrow interval favours rounds that agree by chance; rounds that are taken in any case undo that.
 * Measured: `npm run trust-figures -- statistics`, figures in docs/trust.md.
 */
const ROUNDS_AFTER_STOPPING = 3;

/** Fewest rounds that can ever be enough. */
export const FEWEST_ROUNDS = FEWEST_BEFORE_LOOKING + ROUNDS_AFTER_STOPPING;

/**
 * True if the interval was narrow enough three rounds ago: its half width at most `precision` of the median.
 * @param samples one a round, oldest first, looked at after every round
 */
export function isPreciseEnough(samples: readonly number[], precision: number): boolean {
  if (samples.length < FEWEST_ROUNDS) return false;
  return relativeHalfWidth(medianInterval(samples.slice(0, -ROUNDS_AFTER_STOPPING))) <= precision;
}
