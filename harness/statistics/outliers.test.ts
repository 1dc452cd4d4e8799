import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PythonRandom } from '../task/python-random.ts';
import { outlierIndexes } from './outliers.ts';

describe('outlier rounds', () => {
  it('are those whose modified z-score is beyond a cut that falls as rounds grow in number', () => {
    // Median 10, median absolute deviation 1. Of seven rounds the cut is 3.65 + 8.5 / 4, which lies 8.56 away.
    expect(outlierIndexes([9, 9, 10, 11, 11, 18.4, 1.6])).toEqual([]);
    expect(outlierIndexes([9, 9, 10, 11, 11, 18.7, 1.3])).toEqual([5, 6]);
    const many = [...Array(20).fill(9), 10, ...Array(20).fill(11)];
    expect(outlierIndexes([...many, 10, 16.0])).toEqual([42]);
  });

  it.each([5, 7, 10, 20])('are found in about one of twenty rows of %i normal rounds, and no more', (rounds) => {
    const random = new PythonRandom(5);
    let marked = 0;
    for (let i = 0; i < 500; i++) {
      if (outlierIndexes(Array.from({ length: rounds }, () => 100 + random.gauss(0, 1))).length > 0) marked++;
    }
    expect(marked).toBeLessThan(45);
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
