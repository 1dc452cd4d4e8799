const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** Three significant digits and all digits before the point, in groups of three: `0.0851`, `8.51`, `85.1`, `1,234`. */
export function formatNumber(value: number): string {
  if (value === 0) return '0';
  // Rounding comes first, or 9.999 would be printed with the decimals of a number below ten: 10.00.
  const rounded = Math.abs(value) < 1000 ? Number(value.toPrecision(3)) : value;
  const magnitude = Math.floor(Math.log10(Math.abs(rounded)));
  return magnitude >= 2 ? grouped.format(rounded) : rounded.toFixed(Math.min(2 - magnitude, 20));
}

/** A speedup: `×1,234`. */
export function formatFactor(factor: number): string {
  return `×${formatNumber(factor)}`;
}

/** A fraction as `12%`, with one decimal below ten: `1.2%`, and `0.1%` for what is smaller. */
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

/** Loss errors span many orders of magnitude: `2e-15`, and `0` where there is none. */
export function formatError(error: number): string {
  return error === 0 ? '0' : error.toExponential(0);
}

export function formatMebibytes(bytes: number): string {
  return formatNumber(bytes / 2 ** 20);
}
