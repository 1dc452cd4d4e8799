/**
 * Text of a program, a manifest or a file's name is made printable before a person sees it: what could move the cursor, begin a
 * line or hide text is shown as its code, and nothing is longer than its place.
 */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** One line of at most `longest` characters. Line ends become spaces, other control characters `\u{1b}`. */
export function printableLine(text: string, longest = 500): string {
  const line = text.slice(0, 4 * longest).replace(/[ \t]*[\r\n]+[ \t]*/g, ' ');
  return fitted(line.replace(/^[\p{Zs}\t]+/u, ''), ' ', longest);
}

/** Several lines, each printable; tabs become two spaces. */
export function printableLines(text: string, longestLine = 500): readonly string[] {
  return text.split(/\r\n|\r|\n/).map((line) => fitted(line.slice(0, 4 * longestLine), '  ', longestLine));
}

function fitted(text: string, tab: string, longest: number): string {
  const line = text.replaceAll('\t', tab).replace(INVISIBLE, codeOf).trimEnd();
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line;
}

function codeOf(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`;
}
