import { describe, expect, it } from 'vitest';
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
});
