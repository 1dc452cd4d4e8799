import { constants } from 'node:fs';
import { access, open, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { printableLine } from './printable.ts';
import { succeeds } from './regular-file.ts';
import { UsageError } from './usage-error.ts';

/** A file that the user named for output, or `-` for standard output. */
export interface OutputTarget {
  /** As typed, with its flag: `--json out.json`. Names the target in errors. */
  readonly flag: string;
  /** Absolute; undefined for standard output. */
  readonly path: string | undefined;
}

/**
 * Tries whether a target can be written, before anybody measures for minutes.
 * @param flag with its value, as typed
 * @throws {UsageError} if its folder is missing or closed to us, or the target is a folder
 */
export async function outputTarget(flag: string, path: string): Promise<OutputTarget> {
  if (path === '-') return { flag, path: undefined };
  const absolute = resolve(path);
  const where = printableLine(flag);
  const present = await stat(absolute).catch(() => undefined);
  if (present?.isDirectory()) throw new UsageError(`${where}: got a folder; expected a file; name a file in it`);
  const written = present === undefined || present.isFile() ? dirname(absolute) : absolute;
  const allowed = await succeeds(access(written, constants.W_OK));
  if (!allowed)
    throw new UsageError(`${where}: ${printableLine(written)} cannot be written to; make it, or name another file`);
  return { flag, path: absolute };
}

/** @throws {UsageError} if two targets are one place */
export function requireDistinct(targets: readonly OutputTarget[]): void {
  for (const [index, { flag, path }] of targets.entries()) {
    const before = targets.slice(0, index).find((other) => other.path === path);
    if (before === undefined) continue;
    const place = path === undefined ? 'standard output' : 'that file';
    throw new UsageError(
      `${printableLine(flag)}: ${place} is already taken by ${printableLine(before.flag)}; name another`,
    );
  }
}

/** @throws {UsageError} if a target is one of the files that the command reads */
export function keepInputs(targets: readonly OutputTarget[], files: readonly string[]): void {
  const inputs = files.map((file) => resolve(file));
  const overwriting = targets.find(({ path }) => path !== undefined && inputs.includes(path));
  if (overwriting === undefined) return;
  throw new UsageError(
    `${printableLine(overwriting.flag)}: got a file that is read, too; expected one that may be overwritten; name another`,
  );
}

/**
 * Writes a regular file whole or not at all; a device, a FIFO or a socket in place, since replacing it would destroy it.
 * @throws {UsageError} if that fails
 */
export async function writeOutput({ flag, path }: OutputTarget, text: string): Promise<void> {
  if (path === undefined) {
    process.stdout.write(text);
    return;
  }
  try {
    const present = await stat(path).catch(() => undefined);
    if (present === undefined || present.isFile()) return await writeFileAtomic(path, text, { fsync: false });
    // Without O_NONBLOCK, opening a FIFO without a reader would wait for ever.
    const device = await open(path, constants.O_WRONLY | (constants.O_NONBLOCK ?? 0));
    try {
      await device.writeFile(text);
    } finally {
      await device.close();
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${printableLine(flag)}: cannot be written (${printableLine(reason)}); name another file`);
  }
}
