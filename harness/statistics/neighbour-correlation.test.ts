import { mean } from 'simple-statistics';
import { describe, expect, it } from 'vitest';
import { PythonRandom } from '../task/python-random.ts';
import { autocorrelated } from '../testing/autocorrelated.ts';
import { neighbourCorrelation, wideningFor } from './neighbour-correlation.ts';

describe('the correlation of neighbours', () => {
  it.each([0.3, 0.5])('is estimated without much bias where it is %f', (correlation) => {
    const random = new PythonRandom(4);
    const estimates = Array.from({ length: 300 }, () => neighbourCorrelation(autocorrelated(random, 30, correlation)));
    expect(Math.abs(mean(estimates) - correlation)).toBeLessThan(0.06);
  });

  it('is never below 0 nor above 0.7, and 0 where samples are too few', () => {
    expect(neighbourCorrelation([1, 9, 2, 8, 3, 7])).toBe(0);
    expect(neighbourCorrelation([1, 2, 3, 4, 5, 6])).toBe(0.7);
    expect(neighbourCorrelation([1, 2, 3, 4])).toBe(0);
    expect(neighbourCorrelation([5, 5, 5, 5, 5, 5])).toBe(0);
    expect(neighbourCorrelation([4, 5, 5, 5, 5, 5])).toBe(0);
  });

  it('does not follow one wild sample', () => {
    const calm = [14, 10, 17, 12, 19, 11, 15, 13, 18, 16];
    expect(neighbourCorrelation([...calm.slice(0, 5), 19_000, ...calm.slice(5)])).toBe(0);
  });

  it('widens an interval by the root of the variance that it adds to a mean', () => {
    expect(wideningFor(0)).toBe(1);
    expect(wideningFor(0.6)).toBe(2);
  });
});
