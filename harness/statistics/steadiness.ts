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
  return last.length === WINDOW && coefficientOfVariation(last) < THRESHOLD && Math.abs(drift(last)) < THRESHOLD;
}

/** Change of the least-squares line from the first lap to the last, as a fraction. */
function drift(times: readonly number[]): number {
  const { m } = linearRegression(times.map((time, lap) => [lap, Math.log(time)]));
  return Math.expm1(m * (times.length - 1));
}
