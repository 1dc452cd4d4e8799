const BARS = '▁▂▃▄▅▆▇█';

/**
 * A series as one line of bars, the lowest figure the lowest bar. Longer series than `width` are shown by their latest figures. A
 * series that hardly moves stays in the middle, so that noise does not look like a mountain range.
 */
export function sparkline(series: readonly number[], width: number): string {
  const shown = series.slice(-width);
  const low = Math.min(...shown);
  const high = Math.max(...shown);
  // Halved first: the sum of two huge figures has no end.
  const center = low / 2 + high / 2;
  const reach = Math.max((high - low) / 2, 0.05 * center);
  return shown
    .map((figure) => {
      // Rounding may put the lowest just below 0, and the highest on the end; figures near the smallest there are have no reach.
      const height = reach > 0 ? Math.floor(((figure - center) / reach / 2 + 0.5) * BARS.length) : BARS.length / 2;
      return BARS[Math.max(0, Math.min(BARS.length - 1, height))];
    })
    .join('');
}
