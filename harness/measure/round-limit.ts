import { mean } from 'simple-statistics';
import { isPreciseEnough } from '../statistics/stopping.ts';
import { type RacingEntry, times } from './entry.ts';

/** As many rounds as said, or until every interval is narrow enough or the time is up. */
export type RoundLimit =
  | { readonly rounds: number }
  | {
      /** Of the widest interval, half width over median. */
      readonly precision: number;
      /** Counted from the start of the first round. */
      readonly budgetMilliseconds: number;
      readonly mostRounds?: number;
    };

/** For every row, however slow: fewer give no useful interval. */
export const FEWEST_PROCESSES = 3;
/** A row whose process takes more than this share of the budget, and twice as long as the others, sits out later rounds. */
const MOST_OF_BUDGET = 0.025;

/**
 * Whether a row has its fewest rounds and takes much of the time, so that the others get more rounds.
 * @param milliseconds what each row took in its last round
 */
export function sitsOut<Row>(
  row: Row,
  roundsDone: number,
  limit: RoundLimit,
  milliseconds: ReadonlyMap<Row, number>,
): boolean {
  if ('rounds' in limit || roundsDone < FEWEST_PROCESSES) return false;
  const own = milliseconds.get(row) ?? 0;
  const others = [...milliseconds.entries()].filter(([other]) => other !== row).map(([, time]) => time);
  return own > MOST_OF_BUDGET * limit.budgetMilliseconds && others.length > 0 && own > 2 * mean(others);
}

/**
 * Whether no other round follows.
 * @param entries those that would go on, with what they took in the rounds that are done
 * @param forecastMilliseconds since the start of the first round, if another round followed
 */
export function isEnough(
  entries: readonly RacingEntry[],
  roundsDone: number,
  limit: RoundLimit,
  forecastMilliseconds: number,
): boolean {
  if ('rounds' in limit) return roundsDone >= limit.rounds;
  if (roundsDone < FEWEST_PROCESSES) return false;
  if (roundsDone >= (limit.mostRounds ?? Number.POSITIVE_INFINITY)) return true;
  if (forecastMilliseconds > limit.budgetMilliseconds) return true;
  return entries.every((entry) => isPreciseEnough(times(entry), limit.precision));
}
