import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock, fakeContender } from '../testing/fake-trainer.ts';
import { lapCuts, lapLengths, rehearsalSteps, runLap } from './lap.ts';

describe('a lap', () => {
  it('starts over from step 0, and times the way to every cut', async () => {
    const contender = fakeContender({
      name: 'a',
      nanosecondsPerStep: (_, trained) => 1 + trained,
      clock: new FakeClock(),
    });
    const trainer = await contender.start(new AbortController().signal);
    await trainer.train(3);
    const lap = await runLap(trainer, [2, 5]);
    expect([...lap.losses]).toEqual([0, 1, 2, 3, 4]);
    expect(lap.nanosecondsToCut).toEqual([4 + 5, 4 + 5 + 6 + 7 + 8]);
  });

  it('may be as long as doublings of the shortest, and as all steps that are known', () => {
    expect(lapLengths(1000, 16)).toEqual([16, 32, 64, 128, 256, 512, 1000]);
    expect(lapLengths(64, 16)).toEqual([16, 32, 64]);
    expect(lapLengths(4, 16)).toEqual([4]);
  });

  it('is cut where a shorter lap ends, in ascending order, and ends with its own length', () => {
    expect(lapCuts(64, [16, 1000, 32, 16, 64])).toEqual([16, 32, 64]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99 }), fc.array(fc.integer({ min: 1, max: 99 })), (own, others) => {
        const cuts = lapCuts(own, others);
        expect(cuts.at(-1)).toBe(own);
        expect(cuts).toEqual([...new Set(cuts)].sort((a, b) => a - b));
      }),
    );
  });

  it('is rehearsed, untimed, where its first stretch would be over before the processor is warm', async () => {
    const contender = fakeContender({
      name: 'a',
      nanosecondsPerStep: (_, trained) => (trained < 16 ? 100 : 1),
      clock: new FakeClock(),
    });
    const trainer = await contender.start(new AbortController().signal);
    const lap = await runLap(trainer, [16, 1000], rehearsalSteps([16, 1000], 7000));
    expect(lap.nanosecondsToCut).toEqual([16, 1000]);
    expect(lap.losses[0]).toBe(0);
  });

  it('is not rehearsed where it has one stretch only, or steps are slow enough to warm up by themselves', () => {
    expect(rehearsalSteps([1000], 7000)).toBe(0);
    expect(rehearsalSteps([16, 32], 6e6)).toBe(0);
    expect(rehearsalSteps([16, 256], 300_000)).toBe(6);
  });
});
