const BARS = '▁▂▃▄▅▆▇█';

/**
 * A series as one line of bars, the lowest figure the lowest bar. Longer series than `width` are shown by their latest figures. A
 * series that hardly moves stays in the middle, so that noise does not look like a mountain range.
 */
export function sparkline(series: readonly number[], width: number): string {
  const shown = series.slice(-width);
  const low = Math.min(...shown);
  const high = Math.max(...shown);
  const center = (low + high) / 2;
  const reach = Math.max((high - low) / 2, 0.05 * center);
  return shown
    .map(
      (figure) => BARS[Math.min(BARS.length - 1, Math.floor(((figure - center + reach) / (2 * reach)) * BARS.length))],
    )
    .join('');
}
