import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PythonRandom } from '../task/python-random.ts';
import { changePoints, segmentsOf } from './change-point.ts';

/** Best segmentation by trying all of them: total cost of squares within segments of at least three, plus the penalty for each change. */
function cheapest(series: readonly number[], penalty: number): number {
  const cost = (part: readonly number[]) => {
    const mean = part.reduce((sum, x) => sum + x, 0) / part.length;
    return part.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  };
  const best = (rest: readonly number[]): number => {
    let least = cost(rest);
    for (let cut = 3; cut <= rest.length - 3; cut++) {
      least = Math.min(least, cost(rest.slice(0, cut)) + penalty + best(rest.slice(cut)));
    }
    return least;
  };
  return best(series);
}

function costOf(series: readonly number[], changes: readonly number[], penalty: number): number {
  const bounds = [0, ...changes, series.length];
  return bounds.slice(1).reduce((sum, to, i) => {
    const part = series.slice(bounds[i], to);
    const mean = part.reduce((total, x) => total + x, 0) / part.length;
    return sum + part.reduce((total, x) => total + (x - mean) ** 2, 0) + (i > 0 ? penalty : 0);
  }, 0);
}

/** Times around levels, with noise of 1%. */
function noisy(levels: readonly number[], seed = 3): number[] {
  const random = new PythonRandom(seed);
  return levels.map((level) => level * (1 + random.gauss(0, 0.01)));
}

const flat = (level: number, runs: number) => Array.from({ length: runs }, () => level);

describe('change points', () => {
  it('are those of the cheapest of all segmentations', () => {
    const figures = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 3, maxLength: 14 });
    fc.assert(
      fc.property(figures, fc.integer({ min: 1, max: 40 }), (series, penalty) => {
        const changes = changePoints(series, penalty);
        expect(costOf(series, changes, penalty)).toBeCloseTo(cheapest(series, penalty), 6);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the levels of a series', () => {
  it('are found at the run where a step of 10% happened, back and forth', () => {
    const segments = segmentsOf(noisy([...flat(100, 12), ...flat(110, 9), ...flat(90, 9)]));
    expect(segments.map(({ from, to }) => [from, to])).toEqual([
      [0, 12],
      [12, 21],
      [21, 30],
    ]);
    expect(segments[1].median / segments[0].median).toBeCloseTo(1.1, 1);
  });

  it('are one where only noise moves the figures: at most one false step in 20 series of 40 runs', () => {
    let falseSteps = 0;
    for (let seed = 0; seed < 100; seed++) if (segmentsOf(noisy(flat(50, 40), seed)).length > 1) falseSteps++;
    expect(falseSteps).toBeLessThanOrEqual(5);
  });

  it('are not broken by one odd run, nor by two', () => {
    expect(segmentsOf(noisy([...flat(100, 10), 150, ...flat(100, 10)]))).toHaveLength(1);
    expect(segmentsOf(noisy([...flat(100, 10), 150, ...flat(100, 5), 160, ...flat(100, 6)]))).toHaveLength(1);
  });

  it('are one for figures that agree to the last digit', () => {
    expect(segmentsOf(flat(7, 20))).toHaveLength(1);
  });

  it.each([0, 1, 2, 5])('are at most one in a series of %i', (runs) => {
    expect(segmentsOf(flat(3, runs)).length).toBe(Math.min(runs, 1));
  });

  it('do not depend on the unit', () => {
    const series = noisy([...flat(100, 8), ...flat(130, 8)]);
    const scaled = segmentsOf(series.map((time) => time * 1000));
    expect(scaled.map(({ from }) => from)).toEqual(segmentsOf(series).map(({ from }) => from));
  });

  it('cannot be found among figures that are no times', () => {
    expect(() => segmentsOf([1, 0, 2])).toThrow(RangeError);
  });
});
