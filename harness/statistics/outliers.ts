import { median, medianAbsoluteDeviation } from 'simple-statistics';

/** Factor that makes the median absolute deviation estimate a normal distribution's standard deviation, and the cut beyond which a modified z-score is labelled an outlier: Iglewicz & Hoaglin, "How to Detect and Handle Outliers", ASQC 1993, chapter 3. */
const CONSISTENCY = 0.6745;
const CUT = 3.5;

/** Fewer samples than this say nothing about which of them lies apart. */
const FEWEST = 5;

/**
 * Indexes of the samples whose modified z-score, 0.6745 · (x - median) / MAD, is beyond 3.5. They are marked, never dropped:
 * a slow process is a fact about the program or the machine, and the median stands it.
 */
export function outlierIndexes(samples: readonly number[]): number[] {
  if (samples.length < FEWEST) return [];
  const center = median([...samples]);
  const deviation = medianAbsoluteDeviation([...samples]);
  if (deviation === 0) return [];
  return samples.flatMap((sample, index) =>
    (CONSISTENCY * Math.abs(sample - center)) / deviation > CUT ? [index] : [],
  );
}
