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
    .map((figure) => {
      // Rounding may put the lowest just below 0, and the highest on the end.
      const height = Math.floor(((figure - center + reach) / (2 * reach)) * BARS.length);
      return BARS[Math.max(0, Math.min(BARS.length - 1, height))];
    })
    .join('');
}
