import { expect, test } from 'vitest';
import { discoverImplementations, isBroken } from '../program/discover.ts';
import { FakeClock, fakeContender } from '../testing/fake-trainer.ts';
import { smallTask } from '../testing/small-task.ts';
import { contenderOf, WrongLaps, workWithin } from './contender.ts';

const before = { running: 50, mainRunning: 20, waiting: 10 };

test('how long a word worked does not count what the row waited for a processor', () => {
  expect(workWithin(1000, before, { running: 150, mainRunning: 120, waiting: 310 })).toBe(700);
});

test('waits that add up to more than the word leave the processor time of the main thread', () => {
  expect(workWithin(1000, before, { running: 450, mainRunning: 420, waiting: 1510 })).toBe(400);
});

test('a word is all work where the platform tells nothing of processors', () => {
  expect(workWithin(1000, undefined, undefined)).toBe(1000);
});

test('a word never works longer than it lasts, and never for no time', () => {
  expect(workWithin(1000, before, { running: 1250, mainRunning: 1220, waiting: 10 })).toBe(1000);
  expect(workWithin(1000, before, { ...before, waiting: 1010 })).toBe(1000);
});

test('a second process that works while it is asked nothing is refused', async () => {
  const analytic = (await discoverImplementations()).find(({ name }) => name === 'analytic');
  if (analytic === undefined || isBroken(analytic)) throw new Error('analytic is not there');
  const reference = { losses: new Float64Array(0), source: 'none' };
  const expectation = { task: smallTask(), reference, calmSteps: 0, warnings: [] };
  const contender = await contenderOf(analytic, expectation, { budgetSeconds: 0, scoutMilliseconds: 0 });
  const { signal } = new AbortController();
  const trainer = await fakeContender({ name: 'a', nanosecondsPerStep: () => 1, clock: new FakeClock() }).start(signal);
  let asked = 0;
  const busy = { ...trainer, processorMilliseconds: () => 10_000 * asked++ };
  const witness = contender.witness(signal, busy);
  const refused = witness.check([{ firstDocument: 0, losses: Float64Array.of(1) }], { wholeLap: false, extraSteps: 0 });
  await expect(refused).rejects.toThrow(WrongLaps);
  await expect(refused).rejects.toThrow(/in which it was asked nothing/);
});
