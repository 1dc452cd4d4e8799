import { describe, expect, it } from 'vitest';
import type { TrainingTask } from '../../impls/contract.ts';
import { FakeClock, fakeContender } from '../testing/fake-trainer.ts';
import { longRun } from './long-run.ts';

/** Documents of 4 and 8 positions, in turns. */
const task: TrainingTask = {
  model: { nEmbd: 16, nHead: 4, nLayer: 1, blockSize: 16, vocabSize: 27 },
  tokens: new Int32Array(14 * 50),
  offsets: Int32Array.from({ length: 101 }, (_, document) => 7 * document - (document % 2) * 2),
  parameters: new Float64Array(0),
  batch: 1,
  numSteps: 5000,
  learningRate: 0.01,
};
const options = {
  task,
  steps: 5000,
  budgetMilliseconds: 60_000,
  stepsForced: 50,
  seed: 1,
  signal: new AbortController().signal,
};

describe('a long run', () => {
  it('finds that a step at the end costs as much as one at the start', async () => {
    const steady = fakeContender({ name: 'a', nanosecondsPerStep: () => 6000, clock: new FakeClock() });
    const run = await longRun(steady, options);
    expect(run.steps).toBe(4901);
    expect(run.stepsVerified).toBe(4901);
    expect(run.firstTenth.microsecondsPerStep).toBeCloseTo(6);
    expect(run.firstTenth.microsecondsPerPosition).toBeCloseTo(1);
    expect(run.lastOverFirst).toBeCloseTo(1);
    expect(steady.alive()).toBe(0);
  });

  it('does not take shorter documents at the end for a speedup', async () => {
    const lengths = Array.from({ length: 5000 }, (_, document) => (document < 2500 ? 9 : 5));
    const offsets = new Int32Array(5001);
    for (const [document, length] of lengths.entries()) offsets[document + 1] = offsets[document] + length;
    const byPosition = fakeContender({
      name: 'a',
      nanosecondsPerStep: (_, __, ___, document) => (document % 5000 < 2500 ? 8000 : 4000),
      clock: new FakeClock(),
    });
    const run = await longRun(byPosition, { ...options, task: { ...task, offsets } });
    expect(run.lastTenth.microsecondsPerStep / run.firstTenth.microsecondsPerStep).not.toBeCloseTo(1);
    expect(run.lastOverFirst).toBeCloseTo(1);
  });

  it('finds a slowdown at the end', async () => {
    const slowing = fakeContender({
      name: 'a',
      nanosecondsPerStep: (_, __, step) => (step > 4000 ? 9000 : 6000),
      clock: new FakeClock(),
    });
    expect((await longRun(slowing, options)).lastOverFirst).toBeCloseTo(1.5);
  });

  it('refuses a row whose clock is untrue in a few pieces of a tenth that is told', async () => {
    const lying = fakeContender({
      name: 'a',
      nanosecondsPerStep: () => 10e6,
      clock: new FakeClock(),
      clockFactor: (step) => (step > 1 && step < 200 ? 0.1 : 1),
    });
    await expect(longRun(lying, options)).rejects.toThrow(/its clock says 6.4 ms a step, ours 10 ms a step/);
  });

  it('does not take the cost of words for an untrue clock', async () => {
    const slowToAnswer = fakeContender({
      name: 'a',
      nanosecondsPerStep: () => 6000,
      clock: new FakeClock(),
      emptyWordNanoseconds: 500_000,
    });
    expect((await longRun(slowToAnswer, options)).firstTenth.microsecondsPerStep).toBeCloseTo(6);
  });

  it('does not take slow first steps for a difference between the ends', async () => {
    const compiling = fakeContender({
      name: 'a',
      nanosecondsPerStep: (_, trained) => (trained < 150 ? 90_000 : 6000),
      clock: new FakeClock(),
    });
    expect((await longRun(compiling, options)).lastOverFirst).toBeCloseTo(1);
  });

  it('trains fewer steps of a slow row, and says how many', async () => {
    const slow = fakeContender({ name: 'a', nanosecondsPerStep: () => 50e6, clock: new FakeClock() });
    const run = await longRun(slow, options);
    expect(run.steps).toBe(1001);
    expect(run.stepsAsked).toBe(5000);
  });

  it('refuses a row that does its work in `reset`, where it is not timed', async () => {
    const moved = fakeContender({
      name: 'a',
      nanosecondsPerStep: () => 6000,
      clock: new FakeClock(),
      resetNanoseconds: 25e6,
    });
    await expect(longRun(moved, options)).rejects.toThrow('work was moved');
  });

  it('refuses losses that are wrong, and ends the process', async () => {
    const wrong = fakeContender({
      name: 'a',
      nanosecondsPerStep: () => 6000,
      clock: new FakeClock(),
      failure: { start: 0, kind: 'wrong' },
    });
    await expect(longRun(wrong, options)).rejects.toThrow('step 1');
    expect(wrong.alive()).toBe(0);
  });
});
