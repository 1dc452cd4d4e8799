import { coefficientOfVariation, linearRegression } from 'simple-statistics';

/**
 * Warm-up is over when the coefficient of variation of the last `WINDOW` laps falls below `THRESHOLD` (Georges, Buytaert &
 * Eeckhout, "Statistically Rigorous Java Performance Evaluation", OOPSLA 2007, section 4.2). Their window of 10 is halved: a
 * lap is many steps. Laps that get 1% faster each pass that rule, so the line through the window may not change by the
 * threshold either.
 */
const WINDOW = 5;
const THRESHOLD = 0.02;

/** True once the last laps are steady; the times may be in any unit. */
export function isSteady(lapTimes: readonly number[]): boolean {
  const last = lapTimes.slice(-WINDOW);
  if (last.length < WINDOW || !(coefficientOfVariation(last) < THRESHOLD)) return false;
  const { m: slope } = linearRegression(last.map((time, lap) => [lap, Math.log(time)]));
  return Math.abs(Math.expm1(slope * (WINDOW - 1))) < THRESHOLD;
}
