import { errorFunction, mean, medianSorted, sampleStandardDeviation } from 'simple-statistics';
import { bootstrapMedianQuantiles } from './bootstrap-median.ts';
import { neighbourCorrelation, wideningFor } from './neighbour-correlation.ts';
import { studentCriticalValue } from './student-t.ts';

const CONFIDENCE = 0.95;
const TAILS = 1 - CONFIDENCE;

/**
 * From here on the range from smallest to largest covers the median of any distribution with 95%: it misses with probability 2
 * · ½ⁿ, 6.25% for five and 3.1% for six (Conover, "Practical Nonparametric Statistics", 1999, 3.2).
 */
const FEWEST_WITHOUT_ASSUMPTION = 6;

/**
 * Median with its 95% interval, of samples in the order they were taken: one figure a process, since steps inside a process are
 * not independent (Kalibera & Jones, "Rigorous Benchmarking in Reasonable Time", ISMM 2013).
 *
 * From six samples on: percentile bootstrap (Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13) with its
 * levels moved outwards for small samples, from α/2 to Φ(-√(n/(n-1)) · t(α/2, n-1)) (Hesterberg, "What Teachers Should Know
 * About the Bootstrap", The American Statistician 69(4), 2015, "expanded percentile interval"). Below six: Student's interval
 * on logarithms (times are positive and skewed), never narrower than the samples' range. If neighbours resemble each other, the
 * interval is widened; docs/trust.md says how often it then covers the median. A single sample is its own low and high.
 *
 * @throws RangeError without a sample, or if one is not positive and finite
 */
export function medianInterval(samples: readonly number[]): Interval {
  const interval = independentMedianInterval(samples);
  const rho = neighbourCorrelation(samples);
  if (rho === 0) return interval;
  const { median, low, high } = interval;
  const widening = wideningFor(rho);
  return { median, low: median * (low / median) ** widening, high: median * (high / median) ** widening };
}

/**
 * The same for independent samples, such as ratios of laps a few milliseconds apart, in which the machine's drift cancels.
 * @throws RangeError as {@link medianInterval}
 */
export function independentMedianInterval(samples: readonly number[]): Interval {
  if (samples.length === 0) throw new RangeError('an interval needs at least one sample');
  for (const sample of samples) {
    if (!(sample > 0 && Number.isFinite(sample))) throw new RangeError(`a sample must be positive, got ${sample}`);
  }
  const sorted = samples.toSorted((a, b) => a - b);
  const median = medianSorted(sorted);
  const n = sorted.length;
  if (n === 1) return { median, low: median, high: median };
  if (n < FEWEST_WITHOUT_ASSUMPTION) return { median, ...studentBounds(sorted) };
  const z = -Math.sqrt(n / (n - 1)) * studentCriticalValue(TAILS, n - 1);
  return { median, ...bootstrapMedianQuantiles(sorted, (1 + errorFunction(z / Math.SQRT2)) / 2) };
}

/** A median, or a ratio of two, with its 95% interval. */
export interface Interval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Half the interval's width over the median: the "±" of tables, which `--precision` bounds. */
export function relativeHalfWidth({ median, low, high }: Interval): number {
  return (high - low) / 2 / median;
}

function studentBounds(sorted: readonly number[]): { low: number; high: number } {
  const n = sorted.length;
  const logarithms = sorted.map(Math.log);
  const margin = (studentCriticalValue(TAILS, n - 1) * sampleStandardDeviation(logarithms)) / Math.sqrt(n);
  const center = mean(logarithms);
  return {
    low: Math.min(sorted[0], Math.exp(center - margin)),
    high: Math.max(sorted[n - 1], Math.exp(center + margin)),
  };
}
