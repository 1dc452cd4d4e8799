import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PythonRandom } from '../task/python-random.ts';
import { autocorrelated } from '../testing/autocorrelated.ts';
import { levelFits, segmentsOf } from './change-point.ts';

/** Least unexplained squares over all places for the changes, segments of at least three, by trying all of them. */
function cheapest(series: readonly number[], correlation: number, changes: number): number {
  const best = (from: number, left: number): number => {
    if (left === 0) return costOf(series, from, series.length, correlation);
    let least = Number.POSITIVE_INFINITY;
    for (let cut = from + 3; cut <= series.length - 3; cut++) {
      least = Math.min(least, costOf(series, from, cut, correlation) + best(cut, left - 1));
    }
    return least;
  };
  return best(0, changes);
}

function costOf(series: readonly number[], from: number, to: number, correlation: number): number {
  const part = series.slice(from + 1, to).map((x, i) => x - correlation * series[from + i]);
  const mean = part.reduce((sum, x) => sum + x, 0) / part.length;
  return part.reduce((sum, x) => sum + (x - mean) ** 2, 0);
}

/** Times around levels, with noise of 1%. */
function noisy(levels: readonly number[], seed = 3): number[] {
  const random = new PythonRandom(seed);
  return levels.map((level) => level * (1 + random.gauss(0, 0.01)));
}

const flat = (level: number, runs: number) => Array.from({ length: runs }, () => level);

describe('levels with a given number of changes', () => {
  it('are those of the cheapest of all segmentations', () => {
    const figures = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 9, maxLength: 14 });
    fc.assert(
      fc.property(
        figures,
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 0, max: 2 }),
        (series, tenths, changes) => {
          const { cost, starts } = levelFits(series, tenths / 10)(changes);
          expect(cost).toBeCloseTo(cheapest(series, tenths / 10, changes), 6);
          const bounds = [0, ...starts, series.length];
          const parts = bounds.slice(1).map((to, i) => costOf(series, bounds[i], to, tenths / 10));
          expect(starts).toHaveLength(changes);
          expect(cost).toBeCloseTo(
            parts.reduce((sum, part) => sum + part, 0),
            6,
          );
        },
      ),
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

  it('are found up and down again, where each step alone explains little', () => {
    const segments = segmentsOf(noisy([...flat(100, 10), ...flat(110, 6), ...flat(100, 12)]));
    expect(segments.map(({ from }) => from)).toEqual([0, 10, 16]);
  });

  // The full simulation: npm run trust-figures -- statistics.
  it.each([0, 0.5, 0.8])('are one where only noise moves 30 runs, neighbours correlated by %f', (correlation) => {
    const random = new PythonRandom(11);
    let falseSteps = 0;
    for (let i = 0; i < 100; i++) {
      const noise = autocorrelated(random, 30, correlation);
      if (segmentsOf(noise.map((x) => 50 * Math.exp(0.02 * x))).length > 1) falseSteps++;
    }
    expect(falseSteps).toBeLessThanOrEqual(5);
  });

  it.each([0, 0.5])('are told apart by a step of six deviations, neighbours correlated by %f', (correlation) => {
    const random = new PythonRandom(12);
    let found = 0;
    for (let i = 0; i < 50; i++) {
      const noise = autocorrelated(random, 30, correlation);
      const segments = segmentsOf(noise.map((x, run) => Math.exp(0.02 * (x + (run < 15 ? 0 : 6)))));
      if (segments.length === 2 && Math.abs(segments[1].from - 15) <= 1) found++;
    }
    expect(found).toBeGreaterThanOrEqual(45);
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
