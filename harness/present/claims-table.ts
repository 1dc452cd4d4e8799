import type { Published } from '../results/published.ts';
import type { ClaimResult } from '../results/schema.ts';
import { type Column, columnTable, markdownTable } from './column-table.ts';
import { formatFactor, formatRatio } from './number-format.ts';
import { wrap } from './wrap.ts';

/** The rounds behind our ratio are in the table above; it has its interval in any case. */
const SEVERAL_PROCESSES = 2;

const columns: readonly Column<ClaimResult>[] = [
  { heading: 'published claim', align: 'left', dropOrder: 0, cell: ({ claim }) => claim },
  { heading: 'published', align: 'right', dropOrder: 0, cell: ({ published }) => formatPublished(published) },
  {
    heading: 'here',
    align: 'right',
    dropOrder: 0,
    cell: ({ here, missing = '' }) => (here === undefined ? missing : formatRatio(here.ratio, SEVERAL_PROCESSES)),
  },
  { heading: 'which is', align: 'left', dropOrder: 0, cell: ({ here }) => here?.is ?? '' },
  { heading: 'rows', align: 'left', dropOrder: 1, cell: ({ faster, slower }) => `${faster} / ${slower}` },
];

/** What was published, what our rows gave, and which rows; undefined where no claim is about this model, or none of its rows was asked for. */
export function claimsTable(claims: readonly ClaimResult[], published: Published, width: number): string | undefined {
  if (!claims.some(({ here }) => here !== undefined)) {
    const skipped = claims.find(({ missing = '' }) => missing.includes('skipped'));
    return skipped && wrap(`published claims: none measured here (${skipped.claim}: ${skipped.missing})`, width);
  }
  const { source, machine, dataset } = published;
  return [
    columnTable(columns, claims, { width }),
    wrap(`published: ${source.author}, ${source.title}, ${source.url}: ${machine}, ${dataset}`, width),
  ].join('\n');
}

/** The same for a Markdown document: no lines where there is nothing to say. */
export function claimsMarkdown(claims: readonly ClaimResult[]): readonly string[] {
  return claims.some(({ here }) => here !== undefined) ? ['', markdownTable(columns, claims)] : [];
}

/** As it was published: all its digits above ten, two below. */
function formatPublished(factor: number): string {
  return factor < 10 ? formatFactor(factor) : `×${Math.round(factor).toLocaleString('en-US')}`;
}
