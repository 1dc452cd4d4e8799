import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { z } from 'zod';
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

/** Whether a look at the file system succeeds: `await succeeds(access(path))`. */
export function succeeds(look: Promise<unknown>): Promise<boolean> {
  return look.then(
    () => true,
    () => false,
  );
}

/** Parses a JSON text. @throws {Error} in a few words, if it is not JSON or not what `schema` says */
export function parseJson<T>(text: string, schema: z.ZodType<T>, revive?: (key: string, value: unknown) => unknown): T {
  let json: unknown;
  try {
    json = JSON.parse(text, revive);
  } catch {
    throw new Error('not JSON, or cut off');
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`field "${issue?.path.join('.')}": ${issue?.message}`);
}
