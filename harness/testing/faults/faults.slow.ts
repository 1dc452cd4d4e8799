import { afterEach, beforeEach, describe, it } from 'vitest';
import { chapters } from './fault.ts';
import { faults } from './faults.ts';
import { World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await World.create();
});
afterEach(() => world.destroy());

const here: Readonly<Record<string, boolean>> = {
  posix: process.platform !== 'win32',
  linux: process.platform === 'linux',
  'root on linux': process.platform === 'linux' && process.getuid?.() === 0,
};

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
