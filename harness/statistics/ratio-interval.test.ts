import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PythonRandom } from '../task/python-random.ts';
import { independentRatioInterval, pairedRatioInterval } from './ratio-interval.ts';

describe('the ratio of two medians measured apart', () => {
  it('has an interval as wide as both medians make it, and its reciprocal when the sides are swapped', () => {
    const one = [10, 11, 10.5, 10.2, 10.8, 10.4];
    const other = [5, 5.2, 4.9, 5.1, 5.3, 4.8];
    const { median, low, high } = independentRatioInterval(one, other);
    expect(median).toBeCloseTo(10.45 / 5.05);
    const swapped = independentRatioInterval(other, one);
    expect(swapped.low).toBeCloseTo(1 / high, 10);
    expect(swapped.high).toBeCloseTo(1 / low, 10);
  });

  it('covers the true ratio', () => {
    const random = new PythonRandom(9);
    const draw = (center: number) => Array.from({ length: 7 }, () => center * Math.exp(random.gauss(0, 0.02)));
    let hits = 0;
    for (let i = 0; i < 500; i++) {
      const { low, high } = independentRatioInterval(draw(30), draw(10));
      if (low <= 3 && 3 <= high) hits++;
    }
    expect(hits / 500).toBeGreaterThan(0.93);
  });
});

describe('the interval of a ratio', () => {
  it('is narrow when both sides met the same machine in every round, however much the machine changed', () => {
    const speeds = [1, 2, 1.5, 3, 1.2, 2.5, 1.1];
    const interval = pairedRatioInterval(
      speeds.map((speed) => 100 * speed),
      speeds.map((speed) => 4 * speed),
    );
    expect(interval?.low).toBeCloseTo(25);
    expect(interval?.high).toBeCloseTo(25);
  });

  it('is of the ratios inside rounds, not the ratio of two medians', () => {
    expect(pairedRatioInterval([10, 20, 30], [1, 10, 2])?.median).toBe(10);
  });

  it('leaves out rounds in which one side is missing', () => {
    expect(pairedRatioInterval([10, undefined, 30, 50], [1, 2, undefined, 5])).toMatchObject({ median: 10 });
    expect(pairedRatioInterval([10], [1, 2])).toEqual({ median: 10, low: 10, high: 10 });
    expect(pairedRatioInterval([undefined, 1], [1])).toBeUndefined();
  });

  it('of swapped sides is the reciprocal, for an odd number of rounds', () => {
    // Whole numbers: ratios that are equal one way round are equal the other way round too.
    const pair = fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 1000 }));
    fc.assert(
      fc.property(fc.array(pair, { minLength: 7, maxLength: 7 }), (pairs) => {
        const [a, b] = [pairs.map(([x]) => x), pairs.map(([, y]) => y)];
        const forth = pairedRatioInterval(a, b);
        const back = pairedRatioInterval(b, a);
        expect(back?.median).toBeCloseTo(1 / (forth?.median ?? 0), 8);
        expect(back?.low).toBeCloseTo(1 / (forth?.high ?? 0), 8);
      }),
    );
  });
});
