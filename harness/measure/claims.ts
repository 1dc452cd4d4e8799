import { type Claim, comparedWith } from '../results/published.ts';
import type { ClaimResult, RefusedRow } from '../results/schema.ts';
import { type Entry, isRacing } from './race.ts';
import { ratioOf } from './row.ts';

/**
 * What this race says of each published claim: the ratio of the two rows that answer it, or why there is none.
 */
export function claimResults(
  claims: readonly Claim[],
  batch: number,
  entries: readonly Entry[],
): readonly ClaimResult[] {
  const find = (name: string) =>
    entries.filter(isRacing).find(({ contender }) => contender.identity.implementation === name);
  return claims.map(({ claim, factor: published, faster, slower, batch: claimed }) => {
    const result = { claim, published, faster, slower };
    if (claimed !== batch) return { ...result, missing: `at batch ${claimed}` };
    const [fast, slow] = [find(faster), find(slower)];
    const ratio = fast && slow && ratioOf(slow, fast);
    if (ratio !== undefined) {
      const is = comparedWith(published, ratio);
      return { ...result, here: { ratio, ...(is === undefined ? {} : { is }) } };
    }
    const reasons = [slower, faster].flatMap((name) => {
      if (find(name) !== undefined) return [];
      const row = entries.flatMap(refusalOf).find(({ implementation }) => implementation === name);
      return [`${name} ${row?.status ?? 'not run'}`];
    });
    return { ...result, missing: reasons.length === 0 ? 'not timed' : reasons.join(', ') };
  });
}

function refusalOf(entry: Entry): readonly Pick<RefusedRow, 'implementation' | 'status'>[] {
  return entry.state === 'refused' ? [{ ...entry.identity, ...entry.refusal }] : [];
}
