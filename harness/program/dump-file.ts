import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** A vector that a program wrote for us, or what is wrong with the file, in words whose subject is the program. */
export type Dump = { readonly numbers: Float64Array } | { readonly problem: string };

/**
 * Reads `count` little-endian float64 from a file that a program had to write. Never waits and never reads more than that: the
 * program may have put a FIFO, a link to an endless device or a huge file in its place.
 */
export async function readDump(file: string, count: number): Promise<Dump> {
  const opened = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0)).catch(
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );
  if (typeof opened === 'string') {
    const said =
      { ENOENT: 'wrote no file', ELOOP: 'made the file a link' }[opened] ??
      `left a file that cannot be read (${opened})`;
    return { problem: said };
  }
  try {
    const found = await opened.stat();
    if (!found.isFile()) return { problem: 'made the file something that is no regular file' };
    if (found.size !== count * 8) return { problem: `wrote ${found.size} bytes, where ${count * 8} were expected` };
    const numbers = new Float64Array(count);
    const { bytesRead } = await opened.read(new Uint8Array(numbers.buffer), 0, count * 8, 0);
    return bytesRead === count * 8
      ? { numbers }
      : { problem: `wrote ${bytesRead} bytes, where ${count * 8} were expected` };
  } finally {
    await opened.close();
  }
}
