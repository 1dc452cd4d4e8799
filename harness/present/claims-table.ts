import type { Published } from '../results/published.ts';
import type { ClaimResult } from '../results/schema.ts';
import { type Column, columnTable, left, markdownTable, right, usedColumns } from './column-table.ts';
import { formatCount, formatFactor, formatRatio } from './number-format.ts';
import { wrap } from './page.ts';

/** The rounds behind our ratio are in the table above; it has its interval in any case. */
const SEVERAL_PROCESSES = 2;

export const claimColumns: readonly Column<ClaimResult>[] = [
  left('published claim', ({ claim }) => claim),
  right('published', ({ published }) => formatPublished(published)),
  right('here', ({ here, missing = '' }) =>
    here === undefined ? missing : formatRatio(here.ratio, SEVERAL_PROCESSES),
  ),
  left('which is', ({ here }) => here?.is ?? ''),
  left('rows', ({ faster, slower }) => `${faster} / ${slower}`, 1),
];

/** What was published beside what our rows gave; undefined if no claim is about this model, or none of its rows was asked for. */
export function claimsTable(claims: readonly ClaimResult[], published: Published, width: number): string | undefined {
  if (!claims.some(({ here }) => here !== undefined)) {
    const skipped = claims.find(({ missing = '' }) => missing.includes('skipped'));
    return skipped && wrap(`published claims: none measured here (${skipped.claim}: ${skipped.missing})`, width);
  }
  const { source, machine, dataset } = published;
  return [
    columnTable(claimColumns, claims, { width }),
    wrap(`published: ${source.author}, ${source.title}, ${source.url}: ${machine}, ${dataset}`, width),
  ].join('\n');
}

/** The same in Markdown; no lines if nothing was measured. */
export function claimsMarkdown(claims: readonly ClaimResult[]): readonly string[] {
  return claims.some(({ here }) => here !== undefined)
    ? ['', markdownTable(usedColumns(claimColumns, claims), claims)]
    : [];
}

/** As it was published: all its digits above ten, two below. */
function formatPublished(factor: number): string {
  return factor < 10 ? formatFactor(factor) : `×${formatCount(factor)}`;
}
