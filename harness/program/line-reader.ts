import { StringDecoder } from 'node:string_decoder';

/** Cuts a stream of bytes into lines, and gives up on a line longer than `maximumLength()` characters. */
export class LineReader {
  readonly #decoder = new StringDecoder('utf8');
  readonly #onLine: (line: string) => void;
  readonly #onTooLong: () => void;
  readonly #maximumLength: () => number;
  #parts: string[] = [];
  #length = 0;

  constructor(maximumLength: () => number, onLine: (line: string) => void, onTooLong: () => void) {
    this.#maximumLength = maximumLength;
    this.#onLine = onLine;
    this.#onTooLong = onTooLong;
  }

  push(bytes: Uint8Array): void {
    const pieces = this.#decoder.write(bytes).split('\n');
    const last = pieces.pop() ?? '';
    for (const piece of pieces) {
      if (!this.#grow(piece)) return;
      const line = this.#parts.join('').replace(/\r$/, '');
      this.#clear();
      this.#onLine(line);
    }
    this.#grow(last);
  }

  get unfinished(): string {
    return this.#parts.join('');
  }

  #grow(piece: string): boolean {
    this.#parts.push(piece);
    this.#length += piece.length;
    if (this.#length <= this.#maximumLength()) return true;
    this.#clear();
    this.#onTooLong();
    return false;
  }

  #clear(): void {
    this.#parts = [];
    this.#length = 0;
  }
}
