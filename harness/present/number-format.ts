const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** A median with its 95% interval. */
interface Interval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Three significant digits and all digits before the point, in groups of three: `0.0851`, `8.51`, `85.1`, `1,234`. */
export function formatNumber(value: number, digits = 3): string {
  if (value === 0) return '0';
  // Rounding comes first, or 9.999 would be printed with the decimals of a number below ten: 10.00.
  const rounded = Math.abs(value) < 10 ** digits ? Number(value.toPrecision(digits)) : value;
  const magnitude = Math.floor(Math.log10(Math.abs(rounded)));
  return magnitude >= digits - 1 ? grouped.format(rounded) : rounded.toFixed(Math.min(digits - 1 - magnitude, 20));
}

/** Two significant digits: `0.024`, `2.6`, `64`, `800`, `1.8k`, `16k`, `1.2M`. */
function formatShort(value: number): string {
  const rounded = Number(value.toPrecision(2));
  if (rounded >= 1e6) return `${formatNumber(rounded / 1e6, 2)}M`;
  return rounded >= 1000 ? `${formatNumber(rounded / 1000, 2)}k` : formatNumber(rounded, 2);
}

/** How many times faster: `×16k`. */
export function formatFactor(factor: number): string {
  return `×${formatShort(factor)}`;
}

/** A ratio with its interval: `×16k (14k–18k)`; one process gives none. */
export function formatRatio({ median, low, high }: Interval, processes: number): string {
  const interval =
    processes < 2 || (low === median && high === median) ? '' : ` (${formatShort(low)}–${formatShort(high)})`;
  return `${formatFactor(median)}${interval}`;
}

/**
 * The digits of a median that its interval supports: one more than its relative half width has zeros, between two and six, and
 * three where there is no interval.
 */
export function roundToInterval({ median, low, high }: Interval, value: number = median): number {
  const relative = (high - low) / 2 / median;
  const digits = relative > 0 ? Math.min(6, Math.max(2, 1 + Math.ceil(-Math.log10(relative)))) : 3;
  return Number(value.toPrecision(digits));
}

/** A fraction as `12%`, with one decimal below ten: `1.2%`, and `<0.1%` for what is smaller. */
export function formatPercent(fraction: number): string {
  const percent = 100 * fraction;
  if (percent > 0 && percent < 0.1) return '<0.1%';
  return `${percent.toFixed(percent < 9.95 ? 1 : 0)}%`;
}

/** Half the width of an interval over its median, `±1.2%`; beyond 100% only that it is. */
export function formatUncertainty(fraction: number): string {
  return fraction > 1 ? '>±100%' : `±${formatPercent(fraction)}`;
}

/** A rate that spans many orders of magnitude: `17.6`, and `<0.01` for what nobody compares any more. */
export function formatRate(rate: number): string {
  return rate < 0.01 ? '<0.01' : formatNumber(rate);
}

export function formatMebibytes(bytes: number): string {
  return formatNumber(bytes / 2 ** 20);
}
