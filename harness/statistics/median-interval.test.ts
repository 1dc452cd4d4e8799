import fc from 'fast-check';
import { median } from 'simple-statistics';
import { describe, expect, it } from 'vitest';
import { PythonRandom } from '../task/python-random.ts';
import { autocorrelated } from '../testing/autocorrelated.ts';
import { medianInterval } from './median-interval.ts';
import { neighbourCorrelation } from './neighbour-correlation.ts';
import { isPreciseEnough } from './stopping.ts';

const times = fc.array(fc.double({ min: 1e-3, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 30 });

describe('the interval of a median', () => {
  it('holds the median, and lies inside the range of six samples or more whose neighbours do not resemble each other', () => {
    fc.assert(
      fc.property(times, (samples) => {
        const interval = medianInterval(samples);
        expect(interval.median).toBe(median(samples));
        expect(interval.low).toBeLessThanOrEqual(interval.median);
        expect(interval.high).toBeGreaterThanOrEqual(interval.median);
        if (samples.length < 6 || neighbourCorrelation(samples) > 0) return;
        expect(interval.low).toBeGreaterThanOrEqual(Math.min(...samples));
        expect(interval.high).toBeLessThanOrEqual(Math.max(...samples));
      }),
    );
  });

  it('is the same for the samples in reverse, and scales with their unit', () => {
    fc.assert(
      fc.property(times, (samples) => {
        const interval = medianInterval(samples);
        const reversed = medianInterval(samples.toReversed());
        expect(reversed.median).toBe(interval.median);
        expect(reversed.low / interval.low).toBeCloseTo(1, 9);
        expect(reversed.high / interval.high).toBeCloseTo(1, 9);
        const doubled = medianInterval(samples.map((time) => 2 * time));
        expect(doubled.low / interval.low).toBeCloseTo(2, 9);
        expect(doubled.high / interval.high).toBeCloseTo(2, 9);
      }),
    );
  });

  it('is at least the range of the samples where these are too few to say more', () => {
    const { low, high } = medianInterval([10, 11, 12]);
    expect(low).toBeLessThan(10);
    expect(high).toBeGreaterThan(12);
  });

  it('of one sample is that sample', () => {
    expect(medianInterval([3])).toEqual({ median: 3, low: 3, high: 3 });
  });

  it('stands one wild sample among seven', () => {
    const { median: middle } = medianInterval([10, 10.1, 10.2, 9.9, 10, 10.1, 1000]);
    expect(middle).toBe(10.1);
  });

  it.each([[[]], [[1, 0]], [[1, -1]], [[Number.NaN]], [[Number.POSITIVE_INFINITY]]])('refuses %j', (samples) => {
    expect(() => medianInterval(samples)).toThrow(RangeError);
  });

  it('is wider where the same samples come in an order in which neighbours resemble each other', () => {
    const mixed = medianInterval([14, 10, 17, 12, 19, 11, 15, 13, 18, 16]);
    const rising = medianInterval([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    expect(rising.low).toBeLessThan(mixed.low);
    expect(rising.high).toBeGreaterThan(mixed.high);
  });
});

// Short versions of `npm run trust-figures -- statistics`: four standard errors below what that measures.
describe('the 95% interval covers the true median', () => {
  const races = 500;
  const covered = (drawSamples: (random: PythonRandom) => readonly number[]) => {
    const random = new PythonRandom(7);
    let hits = 0;
    for (let i = 0; i < races; i++) {
      const { low, high } = medianInterval(drawSamples(random).map((x) => 100 * Math.exp(0.02 * x)));
      if (low <= 100 && 100 <= high) hits++;
    }
    return hits / races;
  };

  it.each([6, 7, 10, 20])('with %i independent rounds', (rounds) => {
    expect(covered((random) => autocorrelated(random, rounds, 0))).toBeGreaterThan(0.92);
  });

  it.each([
    [10, 0.86],
    [20, 0.88],
  ])('with %i rounds whose neighbours are correlated by 0.5', (rounds, least) => {
    expect(covered((random) => autocorrelated(random, rounds, 0.5))).toBeGreaterThan(least);
  });

  it('when rounds are added until it is narrow', () => {
    const untilNarrow = (random: PythonRandom) => {
      const noise = autocorrelated(random, 30, 0);
      let rounds = 0;
      while (
        rounds < noise.length &&
        !isPreciseEnough(
          noise.slice(0, rounds).map((x) => Math.exp(0.02 * x)),
          0.01,
        )
      )
        rounds++;
      return noise.slice(0, rounds);
    };
    expect(covered(untilNarrow)).toBeGreaterThan(0.92);
  });
});
