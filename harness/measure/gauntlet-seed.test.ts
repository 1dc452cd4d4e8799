import { expect, it } from 'vitest';
import { GAUNTLET_SEEDS, gauntletTasks } from '../task/gauntlet.ts';
import { gauntletSeedOf } from './gauntlet-seed.ts';

it('the random tasks of a run follow from the seed of its laps, and do not show it', () => {
  const seeds = [0, 1, 2, GAUNTLET_SEEDS - 1];
  expect(seeds.map(gauntletSeedOf)).toEqual(seeds.map(gauntletSeedOf));
  expect(new Set(seeds.map(gauntletSeedOf)).size).toBe(seeds.length);
  for (const seed of seeds) {
    const told = gauntletTasks(gauntletSeedOf(seed)).map(({ task }) => task.description.seed);
    expect(told).not.toContain(seed);
    expect(Math.max(...told)).toBeLessThan(GAUNTLET_SEEDS);
  }
});
