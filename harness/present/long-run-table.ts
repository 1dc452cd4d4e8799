import type { LongRunRow } from '../results/long-run-result.ts';
import { type Column, columnTable } from './column-table.ts';
import { formatNumber } from './number-format.ts';
import type { Page } from './page.ts';
import { wrap } from './wrap.ts';

const count = new Intl.NumberFormat('en-US');

const columns: readonly Column<LongRunRow>[] = [
  { heading: 'implementation', align: 'left', dropOrder: 0, cell: (row) => row.implementation },
  { heading: 'task', align: 'left', dropOrder: 0, cell: (row) => row.preset },
  {
    heading: 'steps',
    align: 'right',
    dropOrder: 1,
    cell: (row) => (row.status === 'verified' ? count.format(row.run.steps) : row.status),
  },
  timed('first tenth', 0, ({ run }) => `${formatNumber(run.firstTenth.microsecondsPerStep)} µs`),
  timed('last tenth', 0, ({ run }) => `${formatNumber(run.lastTenth.microsecondsPerStep)} µs`),
  timed('last/first', 0, ({ run }) => run.lastOverFirst.toFixed(3)),
  timed('MiB', 2, ({ run }) => (run.peakRssBytes === undefined ? '' : formatNumber(run.peakRssBytes / 2 ** 20))),
];

function timed(
  heading: string,
  dropOrder: number,
  cell: (row: LongRunRow & { readonly status: 'verified' }) => string,
): Column<LongRunRow> {
  return { heading, align: 'right', dropOrder, cell: (row) => (row.status === 'verified' ? cell(row) : '') };
}

/** Time a step took at both ends of a long run. */
export function longRunTable(rows: readonly LongRunRow[], page: Page): string {
  const shortened = rows.filter((row) => row.status === 'verified' && row.run.steps < row.run.stepsAsked);
  return [
    wrap('µs per step over the first and the last tenth of a long run; last/first is per position trained', page.width),
    columnTable(columns, rows, { width: page.width }),
    ...(shortened.length === 0 ? [] : ['where steps are fewer than asked for, the row is too slow for them']),
    ...rows.flatMap((row) =>
      row.status === 'verified' ? [] : [wrap(`${row.implementation}: ${row.status}: ${row.reason}`, page.width)],
    ),
  ].join('\n');
}
