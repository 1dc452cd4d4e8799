import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { UsageError } from '../usage-error.ts';

/**
 * Looks whether `--json FILE` can be written, before anything is trained.
 * @throws {UsageError} where it cannot
 */
export async function checkJsonTarget(target: string | undefined): Promise<void> {
  if (target === undefined || target === '-') return;
  const folder = dirname(resolve(target));
  const writable = await access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!writable) throw new UsageError(`--json ${target}: there is no folder ${folder} that can be written to`);
  const present = await stat(target).catch(() => undefined);
  if (present?.isDirectory()) throw new UsageError(`--json ${target}: expected a file, and that is a folder`);
}

/** Writes a document to a file, atomically, or to standard output. */
export async function writeJson(target: string, document: unknown): Promise<void> {
  const text = `${JSON.stringify(document, null, 2)}\n`;
  if (target === '-') process.stdout.write(text);
  else await writeFileAtomic(target, text);
}
