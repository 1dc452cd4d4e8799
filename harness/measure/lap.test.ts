import { expect, test } from 'vitest';
import { FakeClock, fakeContender } from '../testing/fake-trainer.ts';
import { runLap } from './lap.ts';

test('what the first step leaves to a garbage collector is not in the timed word', async () => {
  const [stepNanoseconds, putOffNanoseconds, emptyWordNanoseconds] = [100_000, 20_000_000, 50_000];
  const collecting = fakeContender({
    name: 'collecting',
    nanosecondsPerStep: () => stepNanoseconds,
    putOffNanoseconds,
    emptyWordNanoseconds,
    clock: new FakeClock(),
  });
  const lap = await runLap(await collecting.start(new AbortController().signal), 0, 5);
  expect(lap.wall.rest).toBe(4 * stepNanoseconds + emptyWordNanoseconds);
  expect(lap.wall.first).toBe(stepNanoseconds + putOffNanoseconds + 2 * emptyWordNanoseconds);
});
