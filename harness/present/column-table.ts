import CliTable3 from 'cli-table3';
import type { Page } from './page.ts';

/** One column of a table of `Row`s, in the terminal, in Markdown and on a page. */
export interface Column<Row> {
  readonly heading: string;
  readonly align: 'left' | 'right';
  /** In a narrow terminal the columns with the highest number are left out first; those with 0 never are. */
  readonly dropOrder: number;
  /** Of one line or several. */
  readonly cell: (row: Row) => string;
}

export function left<Row>(heading: string, cell: (row: Row) => string, dropOrder = 0): Column<Row> {
  return { heading, align: 'left', dropOrder, cell };
}

export function right<Row>(heading: string, cell: (row: Row) => string, dropOrder = 0): Column<Row> {
  return { heading, align: 'right', dropOrder, cell };
}

/** Makes columns of figures that only some rows have; the others' cells are empty. */
export function rightWhere<Row, Kept extends Row>(has: (row: Row) => row is Kept) {
  return (heading: string, cell: (row: Kept) => string, dropOrder = 0): Column<Row> =>
    right(heading, (row) => (has(row) ? cell(row) : ''), dropOrder);
}

type Paint<Row> = (row: Row, text: string) => string;

/** Spaces beside the text of a cell and the line after it. */
const CELL_FRAME = 3;

/**
 * A framed table that fits the page. Columns that are empty in every row are left out, then the least important ones until the
 * rest fits. If not even the columns that are never left out fit, each row becomes a few lines `heading: value`.
 */
export function columnTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { width }: Pick<Page, 'width'>,
  paint: Paint<Row> = (_, text) => text,
): string {
  let fitting = usedColumns(columns, rows);
  while (tableWidth(fitting, rows) > width) {
    const least = Math.max(...fitting.map((column) => column.dropOrder));
    if (least === 0) return asList(usedColumns(columns, rows), rows, paint);
    fitting = fitting.filter((column) => column.dropOrder !== least);
  }
  const table = new CliTable3({
    head: fitting.map((column) => column.heading),
    colAligns: fitting.map((column) => column.align),
    style: { head: [], border: [], compact: true, 'padding-left': 1, 'padding-right': 1 },
  });
  for (const row of rows) table.push(fitting.map((column) => paint(row, column.cell(row))));
  return table.toString();
}

export function usedColumns<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): readonly Column<Row>[] {
  return columns.filter((column) => rows.some((row) => column.cell(row) !== ''));
}

function tableWidth<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): number {
  return columns.reduce((sum, { heading, cell }) => {
    return (
      sum +
      Math.max(
        heading.length,
        ...rows.flatMap((row) =>
          cell(row)
            .split('\n')
            .map(({ length }) => length),
        ),
      ) +
      CELL_FRAME
    );
  }, 1);
}

function asList<Row>(columns: readonly Column<Row>[], rows: readonly Row[], paint: Paint<Row>): string {
  return rows
    .flatMap((row) =>
      columns.flatMap(({ heading, cell }, i) => {
        const text = cell(row).replaceAll('\n', ' ');
        return text === '' ? [] : [`${i === 0 ? '' : `  ${heading}: `}${paint(row, text)}`];
      }),
    )
    .join('\n');
}

/** Text comes out as it is, on one line, with nothing in it that Markdown or HTML would act on. */
export function markdownTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map((column) => escapeCell(column.heading))),
    line(columns.map((column) => (column.align === 'right' ? '---:' : '---'))),
    ...rows.map((row) => line(columns.map((column) => escapeCell(column.cell(row))))),
  ].join('\n');
}

export function escapeCell(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\\`*_|[\]]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;');
}
