import CliTable3 from 'cli-table3';

/** One column of a table of `Row`s. */
export interface Column<Row> {
  readonly heading: string;
  readonly align: 'left' | 'right';
  /** Where the terminal is narrow, columns with the highest number go first; those with 0 never do. */
  readonly dropOrder: number;
  readonly cell: (row: Row) => string;
}

export interface TableOptions<Row> {
  /** Columns of the terminal. */
  readonly width: number;
  /** Colours a whole row; called with each finished cell's text. */
  readonly paint?: (row: Row, text: string) => string;
}

/** Spaces beside the text of a cell and the line after it. */
const CELL_FRAME = 3;

/**
 * A table in a frame that fits the terminal. Columns that are empty in every row are left out, then the least important
 * ones until the rest fits; where not even the indispensable ones fit, each row becomes a few lines `heading: value`.
 * No line ends in blanks beyond the frame.
 */
export function columnTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { width, paint = (_, text) => text }: TableOptions<Row>,
): string {
  const used = columns.filter((column) => rows.some((row) => column.cell(row) !== ''));
  const fitting = columnsThatFit(used, rows, width);
  if (fitting === undefined) return asList(used, rows, paint);
  const table = new CliTable3({
    head: fitting.map((column) => column.heading),
    colAligns: fitting.map((column) => column.align),
    style: { head: [], border: [], compact: true, 'padding-left': 1, 'padding-right': 1 },
  });
  for (const row of rows) table.push(fitting.map((column) => paint(row, column.cell(row))));
  return table.toString();
}

function columnsThatFit<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
): readonly Column<Row>[] | undefined {
  let kept = columns;
  while (tableWidth(kept, rows) > width) {
    const least = Math.max(...kept.map((column) => column.dropOrder));
    if (least === 0) return undefined;
    kept = kept.filter((column) => column.dropOrder !== least);
  }
  return kept;
}

function tableWidth<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): number {
  const widths = columns.map((column) =>
    Math.max(column.heading.length, ...rows.map((row) => column.cell(row).length)),
  );
  return widths.reduce((sum, width) => sum + width + CELL_FRAME, 1);
}

function asList<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  paint: (row: Row, text: string) => string,
): string {
  return rows
    .map((row) =>
      columns
        .map((column, i) => ({ text: column.cell(row), prefix: i === 0 ? '' : `  ${column.heading}: ` }))
        .filter(({ text }) => text !== '')
        .map(({ text, prefix }) => `${prefix}${paint(row, text)}`)
        .join('\n'),
    )
    .join('\n');
}

/** The same columns as a GitHub-flavoured Markdown table, all of them. */
export function markdownTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const used = columns.filter((column) => rows.some((row) => column.cell(row) !== ''));
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    line(used.map((column) => column.heading)),
    line(used.map((column) => (column.align === 'right' ? '---:' : '---'))),
    ...rows.map((row) => line(used.map((column) => column.cell(row)))),
  ].join('\n');
}
