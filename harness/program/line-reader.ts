import { StringDecoder } from 'node:string_decoder';

/** Cuts a stream of bytes into lines, and gives up on a line longer than `maximumLength()` characters. */
export class LineReader {
  readonly #decoder = new StringDecoder('utf8');
  readonly #onLine: (line: string) => void;
  readonly #onTooLong: () => void;
  readonly #maximumLength: () => number;
  #unfinished = '';

  constructor(maximumLength: () => number, onLine: (line: string) => void, onTooLong: () => void) {
    this.#maximumLength = maximumLength;
    this.#onLine = onLine;
    this.#onTooLong = onTooLong;
  }

  push(bytes: Uint8Array): void {
    const pieces = this.#decoder.write(bytes).split('\n');
    for (const [index, piece] of pieces.entries()) {
      this.#unfinished += piece;
      if (this.#unfinished.length > this.#maximumLength()) {
        this.#unfinished = '';
        this.#onTooLong();
        return;
      }
      if (index === pieces.length - 1) return;
      const line = this.#unfinished.replace(/\r$/, '');
      this.#unfinished = '';
      this.#onLine(line);
    }
  }

  get unfinished(): string {
    return this.#unfinished;
  }
}
