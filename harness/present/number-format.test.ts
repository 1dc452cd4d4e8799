import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatError,
  formatFactor,
  formatNumber,
  formatPercent,
  formatRate,
  formatUncertainty,
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
    [formatFactor(28_437), '×28,437'],
    [formatFactor(60.31), '×60.3'],
    [formatPercent(0.012), '1.2%'],
    [formatPercent(0.0996), '10%'],
    [formatPercent(0.42), '42%'],
    [formatPercent(0.0004), '<0.1%'],
    [formatPercent(0), '0.0%'],
    [formatUncertainty(0.013), '±1.3%'],
    [formatUncertainty(331), '>±100%'],
    [formatError(2.3e-15), '2e-15'],
    [formatError(0), '0'],
    [formatRate(17.64), '17.6'],
    [formatRate(0.0006), '<0.01'],
  ])('reads %s', (text, expected) => {
    expect(text).toBe(expected);
  });
});
