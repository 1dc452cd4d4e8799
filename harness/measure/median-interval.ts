import { errorFunction, mean, median, medianSorted, quantileSorted, sampleStandardDeviation } from 'simple-statistics';
import type { Interval } from '../results/schema.ts';
import { PythonRandom } from '../task/python-random.ts';
import { studentCriticalValue } from './student-t.ts';

const CONFIDENCE = 0.95;
const TAIL = 1 - CONFIDENCE;

/** Efron & Tibshirani, "An Introduction to the Bootstrap" (1993), ask for 1,000 or more for a percentile interval; the far tails of few samples want more. */
const RESAMPLES = 10_000;

/**
 * Fewest samples for which the range from smallest to largest covers the median of any distribution with 95%: it misses
 * with probability 2 · ½ⁿ, 6.25% for five and 3.1% for six (e.g. Conover, "Practical Nonparametric Statistics", 1999, 3.2).
 */
const FEWEST_WITHOUT_ASSUMPTION = 6;

/**
 * Median of independent samples with its 95% interval. The samples are one figure per process: steps inside a process
 * are not independent (Kalibera & Jones, "Rigorous Benchmarking in Reasonable Time", ISMM 2013).
 *
 * From six samples on: percentile bootstrap (Efron & Tibshirani 1993, chapter 13) with its levels moved outwards for small
 * samples, from α/2 to Φ(-√(n/(n-1)) · t(α/2, n-1)) (Hesterberg, "What Teachers Should Know About the Bootstrap", The
 * American Statistician 69(4), 2015, "expanded percentile interval"); without that it covers 87 to 94% for n = 6 … 10.
 * Below six no interval of 95% follows from the samples alone: Student's interval on logarithms (times are positive and
 * skewed), never narrower than the samples' range.
 * A single sample has no interval: low and high are the sample itself.
 *
 * The result is the same for the same samples in any order: the generator is seeded.
 *
 * @throws RangeError where there is no sample or one is not positive and finite
 */
export function medianInterval(samples: readonly number[], seed = 42): Interval {
  if (samples.length === 0) throw new RangeError('an interval needs at least one sample');
  for (const sample of samples) {
    if (!(sample > 0 && Number.isFinite(sample))) throw new RangeError(`a sample must be positive, got ${sample}`);
  }
  const sorted = Float64Array.from(samples).sort();
  if (sorted.length === 1) return { median: sorted[0], low: sorted[0], high: sorted[0] };
  return sorted.length < FEWEST_WITHOUT_ASSUMPTION ? studentInterval([...sorted]) : bootstrapInterval(sorted, seed);
}

/** Half the interval's width over the median: the "±" of tables and the quantity that `--precision` bounds. */
export function relativeHalfWidth({ median, low, high }: Interval): number {
  return (high - low) / 2 / median;
}

function studentInterval(sorted: readonly number[]): Interval {
  const logarithms = sorted.map(Math.log);
  const n = sorted.length;
  const margin = (studentCriticalValue(TAIL, n - 1) * sampleStandardDeviation(logarithms)) / Math.sqrt(n);
  const center = mean(logarithms);
  return {
    median: median([...sorted]),
    low: Math.min(sorted[0], Math.exp(center - margin)),
    high: Math.max(sorted[n - 1], Math.exp(center + margin)),
  };
}

function bootstrapInterval(sorted: Float64Array, seed: number): Interval {
  const random = new PythonRandom(seed);
  const n = sorted.length;
  const medians = new Float64Array(RESAMPLES);
  const resample = new Float64Array(n);
  for (let i = 0; i < RESAMPLES; i++) {
    for (let j = 0; j < n; j++) resample[j] = sorted[Math.floor(random.random() * n)];
    resample.sort();
    medians[i] = medianOfSorted(resample);
  }
  medians.sort();
  const z = -Math.sqrt(n / (n - 1)) * studentCriticalValue(TAIL, n - 1);
  const level = (1 + errorFunction(z / Math.SQRT2)) / 2;
  const ordered = [...medians];
  return {
    median: medianSorted([...sorted]),
    low: quantileSorted(ordered, level),
    high: quantileSorted(ordered, 1 - level),
  };
}

function medianOfSorted(sorted: Float64Array): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
