import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { displayPath } from '../project.ts';
import { readResult, resultTaskName } from '../results/store.ts';
import { UsageError } from '../usage-error.ts';
import type { Resumed } from './bench-one.ts';

/**
 * The run that `--resume` goes on with.
 *
 * @param named path of a result, or true for the newest unfinished one in the folder
 * @throws UsageError where there is none, or the named one was finished
 */
export async function unfinishedRun(named: string | true, folder: string): Promise<Resumed> {
  if (named !== true) {
    const result = await readResult(named);
    if (result.unfinished) return { path: named, result };
    throw new UsageError(
      `--resume ${displayPath(named)}: got a finished run; expected an interrupted one; run it anew`,
    );
  }
  const names = await readdir(folder).catch(() => []);
  const newestFirst = names
    .filter((name) => resultTaskName(name) !== undefined)
    .toSorted()
    .toReversed();
  for (const name of newestFirst) {
    const path = join(folder, name);
    // One that cannot be read is none that could be resumed.
    const result = await readResult(path).catch((error) => {
      if (error instanceof UsageError) return undefined;
      throw error;
    });
    if (result?.unfinished) return { path, result };
  }
  throw new UsageError(
    `--resume: got no interrupted run in ${displayPath(folder)}; expected one; name its file, or run anew`,
  );
}
