import { describe, expect, it } from 'vitest';
import { FEWEST_ROUNDS, isPreciseEnough } from './stopping.ts';

const narrow = [100, 101, 100.5, 100.2, 100.8, 100.4, 100.6];

describe('rounds are enough', () => {
  it('three rounds after the interval was narrow, whatever these three were', () => {
    expect(isPreciseEnough(narrow, 0.02)).toBe(false);
    expect(isPreciseEnough([...narrow, 100, 100], 0.02)).toBe(false);
    expect(isPreciseEnough([...narrow, 50, 100, 200], 0.02)).toBe(true);
    expect(narrow.length + 3).toBe(FEWEST_ROUNDS);
  });

  it('not before the interval was narrow', () => {
    expect(isPreciseEnough([50, 200, 100, 150, 70, 120, 90, 100, 100, 100], 0.02)).toBe(false);
  });
});
