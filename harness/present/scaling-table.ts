import { commandLine } from '../project.ts';
import { rowName, sizesName } from '../results/names.ts';
import { type BenchResult, isVerified, type VerifiedRow } from '../results/schema.ts';
import { columnTable, left, right } from './column-table.ts';
import { formatIfAny, formatNumber, formatPercent, formatRate, formatRowTime, UNSTEADY } from './number-format.ts';
import { type Page, wrap } from './page.ts';
import { threadsNote } from './threads-note.ts';

/** How cost grows with work: one line an implementation, one column a task, for each of four measures. */
export function scalingTables(results: readonly BenchResult[], page: Page): string {
  const table = (title: string, cell: SizeCell, { width } = page) => {
    const { columns, names } = sizeTable(results, cell);
    return `${title}\n${columnTable(columns, names, { width })}`;
  };
  const times = (between: ' ' | '\n', { width } = page) =>
    table('µs per document, with 95% intervals', (row) => formatRowTime(row).replace(' ', between), { ...page, width });
  const onOneLine = times(' ', { ...page, width: Number.POSITIVE_INFINITY });
  const isNarrow = onOneLine.split('\n').some((line) => line.length > page.width);
  return [
    isNarrow ? times('\n') : onOneLine,
    table('ns per document and parameter', (row, { task }) =>
      formatNumber((1000 * row.microsecondsPerSample.median) / task.parameterCount),
    ),
    table('GFLOP/s of matrix work', ({ gflops }) => formatIfAny(gflops, formatRate)),
    table("matrix work as a share of one core's peak", (row) => formatIfAny(row.fractionOfPeak, formatPercent)),
    [...refusals(results), ...legend(results)].map((note) => wrap(note, page.width)).join('\n'),
  ].join('\n\n');
}

/** At which sizes rows have no time, and why at the first of them. */
function refusals(results: readonly BenchResult[]): string[] {
  const refused = results.flatMap(({ rows, task }) =>
    rows.flatMap((row) => (isVerified(row) ? [] : [{ row, size: sizesName(task) }])),
  );
  const alike = Map.groupBy(refused, ({ row }) => `${rowName(row)}: ${row.status}`);
  return [...alike].map(([refusal, group]) => {
    const where = group.length === results.length ? '' : ` at ${group.map(({ size }) => size).join(', ')}`;
    return `${refusal}${where}: ${group[0].row.reason}`;
  });
}

function legend(results: readonly BenchResult[]): string[] {
  const noisy = results.filter(({ noise }) => noise.warnings.length > 0).map(({ task }) => sizesName(task));
  return [
    ...(results.some(({ rows }) => rows.some((row) => isVerified(row) && !row.steady)) ? [UNSTEADY] : []),
    ...threadsNote(results),
    ...(noisy.length === 0 ? [] : [`noisy: ${noisy.join(', ')}; ${commandLine('show', 'RESULT')} says why`]),
  ];
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
