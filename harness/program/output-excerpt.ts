import { StringDecoder } from 'node:string_decoder';
import { printableLines } from '../printable.ts';

/** A compiler's first error and the line of a syntax error come first; what a program died of comes last. */
const HEAD_LINES = 6;
const TAIL_LINES = 12;
const HEAD_CHARACTERS = 2_000;
const TAIL_CHARACTERS = 4_000;

/** The beginning and the end of what a program printed, in bounded memory. */
export class OutputExcerpt {
  readonly #decoder = new StringDecoder('utf8');
  #head = '';
  #tail = '';
  #length = 0;

  push(bytes: Uint8Array): void {
    const text = this.#decoder.write(bytes);
    this.#length += text.length;
    if (this.#head.length < HEAD_CHARACTERS) this.#head += text.slice(0, HEAD_CHARACTERS - this.#head.length);
    this.#tail = (this.#tail + text).slice(-TAIL_CHARACTERS);
  }

  /** Printable lines, `…` for those left out; without Node's own frames. */
  text(): string {
    const whole = this.#length <= TAIL_CHARACTERS;
    const tail = linesOf(this.#tail);
    if (whole && tail.length <= HEAD_LINES + TAIL_LINES) return tail.join('\n');
    const head = linesOf(whole ? this.#tail : this.#head).slice(0, HEAD_LINES);
    return [...head, '…', ...tail.slice(-TAIL_LINES)].join('\n');
  }
}

function linesOf(text: string): readonly string[] {
  return printableLines(text.trimEnd()).filter((line) => !/^\s+at .*\(?node:internal\//.test(line));
}
