import { printableLines } from '../../printable.ts';

/** Markup in which every text from outside has been escaped: made by {@link html} and {@link trusted} alone. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

/** What may stand in a template: text is escaped, markup is not, lists are joined, and undefined is nothing. */
export type HtmlPart = string | number | Html | undefined | readonly HtmlPart[];

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

/** Text in which nothing is invisible: control characters have no place in HTML or SVG, and overrides of direction could lie. */
export function visible(text: string): string {
  return printableLines(text, Number.POSITIVE_INFINITY).join('\n');
}
