import { printableLines } from '../../printable.ts';
import type { Column } from '../column-table.ts';

/** Markup in which all text from outside is escaped: only {@link html} and {@link trusted} make it. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

/** In a template: text is escaped, markup is not, lists are joined, undefined is nothing. */
type HtmlPart = string | number | Html | undefined | readonly HtmlPart[];

/** Template tag: `` html`<b title="${anyText}">${anyText}</b>` ``. Attribute values must stand in double quotes. */
export function html(literals: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  return new Html(literals.reduce((markup, literal, i) => markup + escaped(parts[i - 1]) + literal));
}

/** Markup from a library that escapes what it is given. */
export function trusted(markup: string): Html {
  return new Html(markup);
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(part: HtmlPart): string {
  if (part === undefined) return '';
  if (part instanceof Html) return part.markup;
  if (typeof part === 'object') return part.map(escaped).join('');
  return visible(String(part)).replaceAll(/[&<>"']/g, (character) => entities[character]);
}

/** Shows what is invisible: control characters have no place in HTML or SVG, and overrides of direction could lie. */
export function visible(text: string): string {
  return printableLines(text, Number.POSITIVE_INFINITY).join('\n');
}

/**
 * A table that a screen reader reads cell by cell; if it is wider than the page it scrolls in its own frame.
 * @param mark class of a row, such as `wrong`
 */
export function htmlTable<Row>(
  caption: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  mark: (row: Row) => string | undefined = () => undefined,
): Html {
  const used = columns.filter((column, i) => i === 0 || rows.some((row) => column.cell(row) !== ''));
  const cell = (column: Column<Row>, row: Row, i: number) =>
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
