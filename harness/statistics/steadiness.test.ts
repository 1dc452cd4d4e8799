import { describe, expect, it } from 'vitest';
import { PythonRandom } from '../task/python-random.ts';
import { isSteady } from './steadiness.ts';

describe('warm-up', () => {
  it('is not over before five laps', () => {
    expect(isSteady([10, 10, 10, 10])).toBe(false);
    expect(isSteady([10, 10, 10, 10, 10])).toBe(true);
  });

  it('forgets the slow laps of the beginning', () => {
    expect(isSteady([90, 40, 10, 10.1, 10, 9.9, 10])).toBe(true);
    expect(isSteady([90, 40, 10, 10.1, 10, 9.9])).toBe(false);
  });

  it('is over when the coefficient of variation is below 2%, and not above', () => {
    // Deviations of ±δ about 100, one lap at 100: the sample deviation is δ.
    expect(isSteady([98.1, 101.9, 98.1, 101.9, 100])).toBe(true);
    expect(isSteady([97.9, 102.1, 97.9, 102.1, 100])).toBe(false);
  });

  it('is not over while every lap is 1% faster than the one before, or slower', () => {
    const faster = Array.from({ length: 30 }, (_, lap) => 100 * 0.99 ** lap);
    const slower = faster.toReversed();
    for (let laps = 5; laps <= 30; laps++) {
      expect(isSteady(faster.slice(0, laps))).toBe(false);
      expect(isSteady(slower.slice(0, laps))).toBe(false);
    }
  });

  it('is over where laps differ by chance alone, in about nine of ten windows', () => {
    const random = new PythonRandom(3);
    let steady = 0;
    for (let i = 0; i < 500; i++) if (isSteady(Array.from({ length: 5 }, () => 100 + random.gauss(0, 1)))) steady++;
    expect(steady).toBeGreaterThan(400);
  });
});
