import { closest, distance } from 'fastest-levenshtein';

/**
 * `; did you mean "analytic"?` where a known name is near enough to be meant, else a list of what there is.
 * "Near enough" is at most a third of the name's letters, two in any case, and never all of them.
 */
export function suggestion(name: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const nearest = closest(name, known.slice());
  const nearEnough = Math.min(name.length - 1, Math.max(2, Math.floor(name.length / 3)));
  return distance(name, nearest) <= nearEnough ? `; did you mean "${nearest}"?` : `; there are ${known.join(', ')}`;
}
