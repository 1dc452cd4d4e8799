import { coefficientOfVariation } from 'simple-statistics';

/**
 * Warm-up is over when the coefficient of variation of the last `WINDOW` laps falls below `THRESHOLD`: the rule of
 * Georges, Buytaert & Eeckhout, "Statistically Rigorous Java Performance Evaluation", OOPSLA 2007, section 4.2, with the
 * looser of the two thresholds given there (0.01 and 0.02). Their window of 10 is halved: a lap is many steps.
 */
const WINDOW = 5;
const THRESHOLD = 0.02;

/** True once the last laps are steady; the times may be in any unit. */
export function isSteady(lapTimes: readonly number[]): boolean {
  return lapTimes.length >= WINDOW && coefficientOfVariation(lapTimes.slice(-WINDOW)) < THRESHOLD;
}
