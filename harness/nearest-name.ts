import { closest, distance } from 'fastest-levenshtein';

/**
 * `; did you mean "analytic"?` if a known name differs by at most a third of the letters (two in any case, never all); else the
 * list of names.
 */
export function suggestion(name: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const nearest = closest(name, known.slice());
  const nearEnough = Math.min(name.length - 1, Math.max(2, Math.floor(name.length / 3)));
  return distance(name, nearest) <= nearEnough ? `; did you mean "${nearest}"?` : `; there are ${known.join(', ')}`;
}
