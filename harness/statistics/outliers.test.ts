import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outlierIndexes } from './outliers.ts';

describe('outlier rounds', () => {
  it('are those whose modified z-score is beyond 3.5', () => {
    // Median 10, median absolute deviation 1: the cut lies 3.5 / 0.6745 = 5.19 away.
    expect(outlierIndexes([8, 9, 10, 11, 12, 15.1])).toEqual([]);
    expect(outlierIndexes([9, 9, 10, 11, 11, 15.3, 4.7])).toEqual([5, 6]);
  });

  it('are not looked for in so few rounds that none can be called apart', () => {
    expect(outlierIndexes([1, 1.1, 1.2, 100])).toEqual([]);
  });

  it('are none where most rounds agree to the last digit', () => {
    expect(outlierIndexes([5, 5, 5, 5, 6])).toEqual([]);
  });

  it('stay the same when the unit changes', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1e6 }), { minLength: 5, maxLength: 20 }), (samples) => {
        expect(outlierIndexes(samples.map((sample) => sample * 1024))).toEqual(outlierIndexes(samples));
      }),
    );
  });
});
