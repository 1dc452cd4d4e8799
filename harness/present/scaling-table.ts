import { rowName, sizesName } from '../results/names.ts';
import { type BenchResult, isVerified, type VerifiedRow } from '../results/schema.ts';
import { columnTable, left, right } from './column-table.ts';
import { formatIfAny, formatNumber, formatPercent, formatRate } from './number-format.ts';
import { type Page, wrap } from './page.ts';
import { threadsNote } from './threads-note.ts';

/** How cost grows with work: one line an implementation, one column a task, for each of four measures. */
export function scalingTables(results: readonly BenchResult[], page: Page): string {
  const table = (title: string, cell: SizeCell) => {
    const { columns, names } = sizeTable(results, cell);
    return `${title}\n${columnTable(columns, names, page)}`;
  };
  return [
    table('µs per document', (row) => formatNumber(row.microsecondsPerSample.median)),
    table('ns per document and parameter', (row, { task }) =>
      formatNumber((1000 * row.microsecondsPerSample.median) / task.parameterCount),
    ),
    table('GFLOP/s of matrix work', ({ gflops }) => formatIfAny(gflops, formatRate)),
    table("matrix work as a share of one core's peak", (row) => formatIfAny(row.fractionOfPeak, formatPercent)),
    ...threadsNote(results).map((note) => wrap(note, page.width)),
  ].join('\n\n');
}

type SizeCell = (row: VerifiedRow, result: BenchResult) => string;

/** The names of all rows that were timed at any size, and a column a size. */
export function sizeTable(results: readonly BenchResult[], cell: SizeCell) {
  const timed = results.map(({ rows }) => new Map(rows.filter(isVerified).map((row) => [rowName(row), row])));
  const listed = new Set(results.flatMap(({ rows }) => rows.map(rowName)));
  const names = [...listed].filter((name) => timed.some((rows) => rows.has(name)));
  const sizes = results.map((result, i) =>
    right<string>(sizesName(result.task), (name) => {
      const row = timed[i].get(name);
      return row === undefined ? '' : cell(row, result);
    }),
  );
  return { names, columns: [left<string>('implementation', (name) => name), ...sizes] };
}
