import { createHash } from 'node:crypto';

/**
 * Seed of a run's random tasks, so that whoever repeats its laps repeats them too. It leads no way back: a row is told the seed of
 * a task, and must not know where laps will begin.
 */
export function gauntletSeedOf(lapSeed: number): number {
  return createHash('sha256').update(`random tasks of ${lapSeed}`).digest().readUInt32LE();
}
