import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeAfterUs } from './live-processes.ts';

export interface TemporaryFolder extends AsyncDisposable {
  /** Absolute. */
  readonly path: string;
}

/** A folder that goes when it is disposed of, and with us if we are killed before. @param kind a word of its name */
export async function temporaryFolder(kind = ''): Promise<TemporaryFolder> {
  const path = join(tmpdir(), `microgpt-bench-${kind}${randomUUID().slice(0, 8)}`);
  // First, for we may be killed just after it is there.
  removeAfterUs(path);
  await mkdir(path, { mode: 0o700 });
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
