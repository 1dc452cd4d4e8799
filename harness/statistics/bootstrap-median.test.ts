import fc from 'fast-check';
import { median } from 'simple-statistics';
import { describe, expect, it } from 'vitest';
import { bootstrapMedianQuantiles } from './bootstrap-median.ts';

/** All nⁿ resamples, one by one. */
function medianOfEveryResample(samples: readonly number[]): number[] {
  const n = samples.length;
  return Array.from({ length: n ** n }, (_, code) =>
    median(Array.from({ length: n }, (_, draw) => samples[Math.floor(code / n ** draw) % n])),
  ).sort((a, b) => a - b);
}

describe('quantiles of the bootstrap distribution of the median', () => {
  it.each([2, 3, 4, 5, 6])('are those of all resamples of %i samples', (n) => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), { minLength: n, maxLength: n }),
        fc.double({ min: 0.001, max: 0.4, noNaN: true }),
        (samples, tail) => {
          const sorted = samples.toSorted((a, b) => a - b);
          const medians = medianOfEveryResample(sorted);
          const rank = tail * medians.length;
          // At a whole number of resamples, rounding decides which side of the jump the quantile lies on.
          fc.pre(Math.abs(rank - Math.round(rank)) > 1e-6);
          const { low, high } = bootstrapMedianQuantiles(sorted, tail);
          expect(low).toBe(medians[Math.ceil(rank) - 1]);
          expect(high).toBe(medians[medians.length - Math.ceil(rank)]);
        },
      ),
      { numRuns: n === 6 ? 10 : 40 },
    );
  });
});
