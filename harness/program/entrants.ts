import type { Implementation } from './discover.ts';
import { findRuntime, type Runtime, type RuntimeName } from './runtime.ts';

/** An implementation as it is run: one row. A TypeScript one has a runtime where more than the pinned Node was asked for. */
export interface Entrant {
  readonly implementation: Implementation;
  readonly runtimeName?: RuntimeName;
  /** Missing where `runtimeName` is not installed here. */
  readonly runtime?: Runtime;
}

/** One entrant for each of `runtimeNames`, where an implementation is hosted; a program of its own has only itself. */
export async function entrantsOf(
  implementation: Implementation,
  runtimeNames: readonly RuntimeName[] | undefined,
): Promise<readonly Entrant[]> {
  if (runtimeNames === undefined || !('module' in implementation.manifest.run)) return [{ implementation }];
  return Promise.all(
    runtimeNames.map(async (runtimeName) => {
      const runtime = await findRuntime(runtimeName);
      return { implementation, runtimeName, ...(runtime === undefined ? {} : { runtime }) };
    }),
  );
}
