import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';

const page = resolve(import.meta.dirname, '../../docs/trust.md');

/** Keeps the figures of a command in docs/trust.md. */
export async function keepFigures(command: string, figures: string): Promise<void> {
  await writeFile(page, withSection(await readFile(page, 'utf8'), command, figures));
}

/**
 * Puts text between a page's marks for a command: `<!-- figures: COMMAND -->` and `<!-- /figures -->`.
 *
 * @throws Error if the page has no such marks
 */
export function withSection(page: string, command: string, text: string): string {
  const start = `<!-- figures: ${command} -->`;
  const end = '<!-- /figures -->';
  const [before, rest] = page.split(start);
  const to = rest?.indexOf(end) ?? -1;
  if (rest === undefined || to === -1) throw new Error(`the page has no place for the figures: ${start} … ${end}`);
  return `${before}${start}\n\n${text}\n\n${rest.slice(to)}`;
}

/** A Markdown table with columns as wide as their widest cell, as the formatter expects. */
export function alignedTable([head = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((cells) => cells[column].length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
