import { afterEach, beforeEach, describe, it } from 'vitest';
import { chapters, type Fault } from './fault.ts';
import { canMountTiny, canRunUnprivileged, World } from './world.ts';

const here: Readonly<Record<string, boolean>> = {
  posix: process.platform !== 'win32',
  linux: process.platform === 'linux',
  mounts: canMountTiny(),
  unprivileged: canRunUnprivileged(),
};

/** A test for each fault, in a world of its own. Files that call this run side by side. */
export function tryFaults(faults: readonly Fault[]): void {
  let world: World;
  beforeEach(async () => {
    world = await World.create();
  });
  afterEach(() => world.destroy());

  for (const chapter of chapters.filter((name) => faults.some((one) => one.chapter === name))) {
    describe(chapter, () => {
      for (const { fault, outcome, where, attempt } of faults.filter((one) => one.chapter === chapter)) {
        it.skipIf(where !== undefined && !here[where])(`${fault}: ${outcome}`, async () => {
          await attempt(world);
          await world.expectClean();
        });
      }
    });
  }
}
