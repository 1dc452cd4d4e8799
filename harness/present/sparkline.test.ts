import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sparkline } from './sparkline.ts';

describe('a sparkline', () => {
  it('runs from the lowest bar to the highest', () => {
    expect(sparkline([1, 2, 3, 4, 5, 6, 7, 8], 10)).toBe('▁▂▃▄▅▆▇█');
  });

  it('keeps the latest figures, and does not magnify noise', () => {
    expect(sparkline([9, 9, 1, 2], 2)).toBe('▁█');
    expect(new Set(sparkline([100, 100.4, 99.8, 100.1], 10)).size).toBeLessThanOrEqual(2);
  });
});

/** Below it a figure has too few bits left for its half. */
const SMALLEST_NORMAL = 2 ** -1022;

it('has a bar for every figure, whatever they are: the lowest bar for the lowest of figures that differ', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: SMALLEST_NORMAL, max: Number.MAX_VALUE, noNaN: true }), {
        minLength: 1,
        maxLength: 30,
      }),
      (series) => {
        const bars = [...sparkline(series, 30)];
        expect(bars).toHaveLength(series.length);
        const [low, high] = [Math.min(...series), Math.max(...series)];
        if (high / 2 <= low) return;
        expect([bars[series.indexOf(low)], bars[series.indexOf(high)]]).toEqual(['▁', '█']);
      },
    ),
  );
});
