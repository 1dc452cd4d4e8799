import { describe, expect, it } from 'vitest';
import { PythonRandom } from '../task/python-random.ts';
import { independentRatioInterval } from './independent-ratio.ts';

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
