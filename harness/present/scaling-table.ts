import type { BenchResult, VerifiedRow } from '../results/schema.ts';
import { type Column, columnTable } from './column-table.ts';
import { formatNumber, formatPercent, formatRate } from './number-format.ts';
import type { Page } from './page.ts';

/** One implementation's rows over all tasks; undefined where it was not timed. */
interface Scaling {
  readonly implementation: string;
  readonly rows: readonly (VerifiedRow | undefined)[];
}

/** How cost grows with work: one line an implementation, one column a task, for each of four measures. */
export function scalingTables(results: readonly BenchResult[], page: Page): string {
  const names = [...new Set(results.flatMap((result) => result.rows.map((row) => row.implementation)))];
  const scalings = names
    .map((implementation) => ({
      implementation,
      rows: results.map((result) =>
        result.rows.filter((row) => row.status === 'verified').find((row) => row.implementation === implementation),
      ),
    }))
    .filter(({ rows }) => rows.some((row) => row !== undefined));
  const table = (title: string, cell: (row: VerifiedRow, result: BenchResult) => string) =>
    `${title}\n${columnTable(columnsOf(results, cell), scalings, { width: page.width })}`;
  return [
    table('µs per document', (row) => formatNumber(row.microsecondsPerSample.median)),
    table('ns per document and parameter', (row, { task }) =>
      formatNumber((1000 * row.microsecondsPerSample.median) / task.parameterCount),
    ),
    table('GFLOP/s of matrix work', ({ gflops }) => (gflops === undefined ? '' : formatRate(gflops))),
    table("matrix work as a share of one core's peak", ({ fractionOfPeak }) =>
      fractionOfPeak === undefined ? '' : formatPercent(fractionOfPeak),
    ),
  ].join('\n\n');
}

function columnsOf(
  results: readonly BenchResult[],
  cell: (row: VerifiedRow, result: BenchResult) => string,
): readonly Column<Scaling>[] {
  const tasks = results.map(
    (result, i): Column<Scaling> => ({
      heading: result.task.preset ?? `n_embd ${result.task.nEmbd}`,
      align: 'right',
      dropOrder: 0,
      cell: ({ rows }) => {
        const row = rows[i];
        return row === undefined ? '' : cell(row, result);
      },
    }),
  );
  return [{ heading: 'implementation', align: 'left', dropOrder: 0, cell: (row) => row.implementation }, ...tasks];
}
