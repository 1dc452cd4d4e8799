import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { printableLine } from './printable.ts';

/**
 * Reads a whole file that somebody else may have put there. Never waits and never reads without end: refuses a FIFO, a device,
 * a folder, and what is larger than `largestBytes`.
 * @throws {Error} whose message follows the path: `is a folder, not a file`
 */
export async function readRegularFile(path: string, largestBytes: number): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(
    (error: NodeJS.ErrnoException) => {
      throw new Error(
        error.code === 'ENOENT' ? 'is missing' : `cannot be read (${error.code ?? printableLine(error.message)})`,
      );
    },
  );
  try {
    const found = await file.stat();
    if (found.isDirectory()) throw new Error('is a folder, not a file');
    if (!found.isFile()) throw new Error('is a FIFO or a device, not a file');
    if (found.size > largestBytes)
      throw new Error(`has ${found.size} bytes, more than the ${largestBytes} that are read`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** Of whatever was thrown, fit to be shown. */
export function messageOf(error: unknown): string {
  return printableLine(error instanceof Error ? error.message : String(error));
}
