import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  formatFactor,
  formatNumber,
  formatPercent,
  formatRate,
  formatRatio,
  formatSteps,
  formatUncertainty,
  roundToInterval,
} from './number-format.ts';

describe('a number', () => {
  it.each([
    [0.08512, '0.0851'],
    [8.5149, '8.51'],
    [9.999, '10.0'],
    [85.149, '85.1'],
    [99.99, '100'],
    [850.4, '850'],
    [999.7, '1,000'],
    [1234.4, '1,234'],
    [49_000, '49,000'],
    [0, '0'],
  ])('%f reads %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it('keeps at least three significant digits', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-4, max: 1e7, noNaN: true }), (value) => {
        const read = Number(formatNumber(value).replaceAll(',', ''));
        expect(Math.abs(read - value) / value).toBeLessThan(0.0051);
      }),
    );
  });
});

describe('a figure with a unit', () => {
  it.each([
    [formatFactor(28_437), '×28k'],
    [formatFactor(60.31), '×60'],
    [formatFactor(1779), '×1.8k'],
    [formatFactor(799), '×800'],
    [formatFactor(999.6), '×1.0k'],
    [formatFactor(0.0241), '×0.024'],
    [formatFactor(1_234_000), '×1.2M'],
    [formatRatio({ median: 15_902, low: 13_672, high: 18_214 }, 8), '×16k (14k–18k)'],
    [formatRatio({ median: 15_902, low: 13_672, high: 18_214 }, 1), '×16k'],
    [formatRatio({ median: 1, low: 1, high: 1 }, 8), '×1.0'],
    [formatPercent(0.012), '1.2%'],
    [formatPercent(0.0996), '10%'],
    [formatPercent(0.42), '42%'],
    [formatPercent(0.0004), '<0.1%'],
    [formatPercent(0), '0.0%'],
    [formatUncertainty(0.013), '±1.3%'],
    [formatUncertainty(331), '±>100%'],
    [formatRate(17.64), '17.6'],
    [formatRate(0.0006), '<0.01'],
  ])('reads %s', (text, expected) => {
    expect(text).toBe(expected);
  });
});

describe('a figure rounded to its interval', () => {
  it.each([
    [{ median: 7.203948, low: 7.19, high: 7.21 }, 7.204],
    [{ median: 7.203948, low: 7.0, high: 7.4 }, 7.2],
    [{ median: 7.203948, low: 4, high: 14 }, 7.2],
    [{ median: 7.203948, low: 7.203948, high: 7.203948 }, 7.2],
  ])('%j keeps the digits that mean something: %d', (interval, expected) => {
    expect(roundToInterval(interval)).toBe(expected);
  });

  it('moves by less than a tenth of the interval’s half width, as long as six digits do', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
        fc.double({ min: 1e-4, max: 0.5, noNaN: true }),
        (median, half) => {
          const interval = { median, low: median * (1 - half), high: median * (1 + half) };
          expect(Math.abs(roundToInterval(interval) - median)).toBeLessThanOrEqual(0.51 * half * median);
        },
      ),
    );
  });
});

test('one step is a step', () => {
  expect([1, 2, 1000].map(formatSteps)).toEqual(['1 step', '2 steps', '1,000 steps']);
});
