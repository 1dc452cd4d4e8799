import { expect, test } from 'vitest';
import { discoverImplementations, isBroken } from '../program/discover.ts';
import { FakeClock, fakeContender } from '../testing/fake-trainer.ts';
import { smallTask } from '../testing/small-task.ts';
import { contenderOf, WrongLaps } from './contender.ts';

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
