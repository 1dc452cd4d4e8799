import type { VerifiedRow } from '../results/schema.ts';
import type { Interval } from '../statistics/median-interval.ts';

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** Three significant digits and all digits before the point, in groups of three: `0.0851`, `8.51`, `85.1`, `1,234`. */
export function formatNumber(value: number, digits = 3): string {
  if (value === 0) return '0';
  // 9.999 has the decimals of 10.0, not those of a number below ten.
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

/** A ratio with its interval: `×16k (14k–18k)`; one process gives none. Empty if there is no ratio. */
export function formatRatio(ratio: Interval | undefined, processes: number): string {
  if (ratio === undefined) return '';
  const { median, low, high } = ratio;
  const interval =
    processes < 2 || (low === median && high === median) ? '' : ` (${formatShort(low)}–${formatShort(high)})`;
  return `${formatFactor(median)}${interval}`;
}

/** What ~ at a time means. */
export const UNSTEADY = '~ still warming up when timed';

/** A time with its uncertainty: `8.51 ±1.2%`; one process has none, and ~ marks a row that was still warming up. */
export function formatTime(time: Interval, processes: number, steady: boolean): string {
  const interval = processes < 2 ? '' : ` ${formatUncertainty(relativeHalfWidth(time))}`;
  return `${steady ? '' : '~'}${formatNumber(time.median)}${interval}`;
}

/** The same of a timed row. */
export function formatRowTime(row: VerifiedRow): string {
  return formatTime(row.microsecondsPerSample, row.roundsMicrosecondsPerSample.length, row.steady);
}

/** Empty if there is no value. */
export function formatIfAny(value: number | undefined, format: (value: number) => string = formatNumber): string {
  return value === undefined ? '' : format(value);
}

/** A whole number, in groups of three: `50,000`. */
export function formatCount(count: number): string {
  return grouped.format(count);
}

export function formatSteps(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'step' : 'steps'}`;
}

/** Here too, because the page in the browser formats numbers without the statistics library. */
function relativeHalfWidth({ median, low, high }: Interval): number {
  return (high - low) / 2 / median;
}

/** Rounds to the digits that the interval supports: one more than its relative half width has zeros, two to six; three without an interval. */
export function roundToInterval(interval: Interval, value = interval.median): number {
  return Number(value.toPrecision(digitsOf(interval)));
}

/** The same as text: `117,000`, `20.0`, `34.712`. */
export function formatToInterval(interval: Interval, value = interval.median): string {
  return formatNumber(roundToInterval(interval, value), digitsOf(interval));
}

function digitsOf(interval: Interval): number {
  const relative = relativeHalfWidth(interval);
  return relative > 0 ? Math.min(6, Math.max(2, 1 + Math.ceil(-Math.log10(relative)))) : 3;
}

/** A fraction as `12%`, with one decimal below ten: `1.2%`, and `<0.1%` for what is smaller. */
export function formatPercent(fraction: number): string {
  const percent = 100 * fraction;
  if (percent > 0 && percent < 0.1) return '<0.1%';
  return `${percent.toFixed(percent < 9.95 ? 1 : 0)}%`;
}

/** Half the width of an interval over its median: `±1.2%`, at most `±>100%`. */
export function formatUncertainty(fraction: number): string {
  return fraction > 1 ? '±>100%' : `±${formatPercent(fraction)}`;
}

/** `17.6`, and `<0.01` for rates too small to compare. */
export function formatRate(rate: number): string {
  return rate < 0.01 ? '<0.01' : formatNumber(rate);
}

export function formatMebibytes(bytes: number): string {
  return formatNumber(bytes / 2 ** 20);
}
