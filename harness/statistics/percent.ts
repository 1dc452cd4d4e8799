/** `5%`, `1.7%`. */
export function percent(fraction: number): string {
  return `${Number((fraction * 100).toFixed(1))}%`;
}

/** A ratio as a change: `+10.2%` for 1.102. */
export function percentChange(ratio: number): string {
  return `${ratio < 1 ? '-' : '+'}${(Math.abs(ratio - 1) * 100).toFixed(1)}%`;
}
