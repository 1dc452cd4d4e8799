import type { Column } from '../column-table.ts';
import { type Html, html } from './html.ts';

/** What a column needs to be shown on a page: nothing is dropped there, the table scrolls. */
export type HtmlColumn<Row> = Omit<Column<Row>, 'dropOrder'>;

/**
 * A table that a screen reader reads cell by cell; where it is wider than the page it scrolls in its own frame.
 *
 * @param mark class of a row, such as `wrong`
 */
export function htmlTable<Row>(
  caption: string,
  columns: readonly HtmlColumn<Row>[],
  rows: readonly Row[],
  mark: (row: Row) => string | undefined = () => undefined,
): Html {
  const used = columns.filter((column, i) => i === 0 || rows.some((row) => column.cell(row) !== ''));
  const cell = (column: HtmlColumn<Row>, row: Row, i: number) =>
    i === 0
      ? html`<th scope="row">${column.cell(row)}</th>`
      : html`<td class="${column.align}">${column.cell(row)}</td>`;
  return html`<div class="scroll" role="group" aria-label="${caption}" tabindex="0"><table><caption>${caption}</caption>
<thead><tr>${used.map((column) => html`<th scope="col" class="${column.align}">${column.heading}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => html`<tr class="${mark(row)}">${used.map((column, i) => cell(column, row, i))}</tr>\n`)}</tbody></table></div>`;
}

/** The table behind a chart: closed until it is asked for, open on paper. */
export function numbers(table: Html, summary = 'The numbers'): Html {
  return html`<details><summary>${summary}</summary>${table}</details>`;
}
