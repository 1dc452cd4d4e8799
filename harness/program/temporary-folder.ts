import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeAfterUs } from './live-processes.ts';

export interface TemporaryFolder extends AsyncDisposable {
  /** Absolute. */
  readonly path: string;
}

/** A folder that goes when it is disposed of, and with us if we are killed before. @param kind a word of its name */
export async function temporaryFolder(kind = ''): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), `microgpt-bench-${kind}`));
  removeAfterUs(path);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
