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
