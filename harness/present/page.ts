import type { WriteStream } from 'node:tty';

/** Output that a person reads: how wide it may be, and whether it may have colours. */
export interface Page {
  readonly width: number;
  readonly color: boolean;
}

/** What is assumed where output goes to a file or a pipe. */
const PLAIN_WIDTH = 120;

export function terminalPage(stream: WriteStream | (NodeJS.WritableStream & { isTTY?: false })): Page {
  if (!('columns' in stream) || stream.isTTY !== true) return { width: PLAIN_WIDTH, color: false };
  // hasColors heeds NO_COLOR, FORCE_COLOR and TERM.
  return { width: stream.columns, color: stream.hasColors() };
}
