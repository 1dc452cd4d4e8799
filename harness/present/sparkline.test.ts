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

it('has a bar for every figure, whatever they are', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 1e-3, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 30 }),
      (series) => {
        expect([...sparkline(series, 30)]).toHaveLength(series.length);
      },
    ),
  );
});
