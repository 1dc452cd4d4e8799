import type { WriteStream } from 'node:tty';
import { stripVTControlCharacters, styleText } from 'node:util';

/** Output that a person reads: how wide it may be, and whether it may have colours. */
export interface Page {
  readonly width: number;
  readonly color: boolean;
}

/** Of a file or a pipe. */
const PLAIN_WIDTH = 120;

export function terminalPage(stream: WriteStream | (NodeJS.WritableStream & { isTTY?: false })): Page {
  if (!('columns' in stream) || stream.isTTY !== true) return { width: PLAIN_WIDTH, color: false };
  return { width: stream.columns, color: stream.hasColors() };
}

/** The text in a style, if the page has colours. */
export function painted({ color }: Page, style: Parameters<typeof styleText>[0], text: string): string {
  return color ? styleText(style, text, { validateStream: false }) : text;
}

/** Breaks a text between words, so that no line is longer on screen than `width` unless a word is; lines after the first are indented. Blanks at its start stay. */
export function wrap(text: string, width: number, indent = '  '): string {
  const lines = [''];
  for (const [i, word] of text.split(' ').entries()) {
    const line = lines[lines.length - 1];
    const longer = i === 0 || line === indent ? line + word : `${line} ${word}`;
    if (stripVTControlCharacters(longer).length > width && line.trim() !== '') lines.push(indent + word);
    else lines[lines.length - 1] = longer;
  }
  return lines.join('\n');
}

/** A line of prose as `stream` gets it: broken between words for a terminal, whole for a file or a pipe. */
export function fitted(line: string, stream: NodeJS.WriteStream): string {
  return stream.isTTY ? wrap(line, stream.columns, `${/^ */.exec(line)?.[0]}  `) : line;
}
