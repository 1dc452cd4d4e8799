import type { PythonRandom } from '../task/python-random.ts';

/** Normal noise of deviation 1 whose neighbours are correlated: a first-order autoregression in its steady state. */
export function autocorrelated(random: PythonRandom, length: number, correlation: number): number[] {
  let x = random.gauss(0, 1);
  return Array.from({ length }, () => {
    const now = x;
    x = correlation * x + Math.sqrt(1 - correlation ** 2) * random.gauss(0, 1);
    return now;
  });
}
