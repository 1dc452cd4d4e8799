import { printableLine } from '../printable.ts';
import { displayPath } from '../project.ts';

const LONGEST_MESSAGE = 1_000;

/**
 * An implementation broke: its build failed, it crashed, hung, or violated the protocol. `message` is one line; `stderrTail` is
 * the end of its standard error.
 */
export class ImplementationFailure extends Error {
  override readonly name = 'ImplementationFailure';
  readonly stderrTail: string;

  constructor(folder: string, happened: string, advice: string, stderrTail = '') {
    super(printableLine(`${displayPath(folder)}: ${happened}; ${advice}`, LONGEST_MESSAGE));
    this.stderrTail = stderrTail.trimEnd();
  }
}

/** Short enough for a message. */
export function quote(text: string, length = 80): string {
  return JSON.stringify(text.length > length ? `${text.slice(0, length)}…` : text);
}
