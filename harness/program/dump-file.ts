import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** A vector that a program wrote, or what is wrong with the file, in words whose subject is the program. */
type Dump = { readonly numbers: Float64Array } | { readonly problem: string };

/**
 * Reads `count` little-endian float64 that a program had to write. Never waits and never reads more: the file may be a FIFO, a
 * link to an endless device, or huge. Synchronous: every checked step has a dump, and four turns of the thread pool take longer
 * than a step.
 * @param into `[count]`
 */
export function readDump(file: string, count: number, into: Float64Array = new Float64Array(count)): Dump {
  let opened: number;
  try {
    opened = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const said =
      { ENOENT: 'wrote no file', ELOOP: 'made the file a link' }[code] ?? `left a file that cannot be read (${code})`;
    return { problem: said };
  }
  try {
    const found = fstatSync(opened);
    if (!found.isFile()) return { problem: 'made the file something that is no regular file' };
    const isWhole = found.size === count * 8;
    const bytes = isWhole ? readSync(opened, into, 0, count * 8, 0) : found.size;
    return bytes === count * 8
      ? { numbers: into }
      : { problem: `wrote ${bytes} bytes, where ${count * 8} were expected` };
  } finally {
    closeSync(opened);
  }
}
