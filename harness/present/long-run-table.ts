import { type LongRunRow, PIECES } from '../results/schema.ts';
import { type Column, columnTable, left, right, rightWhere } from './column-table.ts';
import { formatCount, formatIfAny, formatMebibytes, formatNumber } from './number-format.ts';
import { type Page, wrap } from './page.ts';

const timed = rightWhere((row: LongRunRow) => row.status === 'verified');

const columns: readonly Column<LongRunRow>[] = [
  left('implementation', (row) => row.implementation),
  left('task', (row) => row.preset),
  right('steps', (row) => (row.status === 'verified' ? formatCount(row.run.steps) : row.status), 1),
  timed('first tenth', ({ run }) => `${formatNumber(run.firstTenth.microsecondsPerStep)} µs`),
  timed('last tenth', ({ run }) => `${formatNumber(run.lastTenth.microsecondsPerStep)} µs`),
  timed('last/first', ({ run }) => run.lastOverFirst.toFixed(3)),
  timed('MiB', ({ run }) => formatIfAny(run.peakRssBytes, formatMebibytes), 2),
];

export function longRunTable(rows: readonly LongRunRow[], page: Page): string {
  const shortened = rows.filter((row) => row.status === 'verified' && row.run.stepsAsked - row.run.steps >= PIECES);
  return [
    wrap('µs per step over the first and the last tenth of a long run; last/first is per position trained', page.width),
    columnTable(columns, rows, page),
    ...(shortened.length === 0 ? [] : ['a row with fewer steps than asked for is too slow for them']),
    ...rows.flatMap((row) =>
      row.status === 'verified' ? [] : [wrap(`${row.implementation}: ${row.status}: ${row.reason}`, page.width)],
    ),
  ].join('\n');
}
