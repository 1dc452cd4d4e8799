import { expect, test } from 'vitest';
import type { Entry } from '../measure/entry.ts';
import type { RoundLimit } from '../measure/round-limit.ts';
import { FakeClock, fakeContender } from '../testing/fake-trainer.ts';
import { raceReporter } from './progress.ts';

const clock = new FakeClock();
const entry: Entry = {
  status: 'waiting',
  contender: fakeContender({ name: 'rust', nanosecondsPerStep: () => 1, clock }),
};

/** What is said after each of two rounds of 10 s. */
function told(limit: RoundLimit): readonly string[] {
  const lines: string[] = [];
  const say = (text: string) => lines.push(text);
  const reporter = raceReporter({ status: () => {}, stage: say, milestone: say }, limit, clock.now);
  reporter({ kind: 'verifying', entry: 0 }, [entry]);
  for (const round of [0, 1]) {
    reporter({ kind: 'starting', round, entry: 0 }, [entry]);
    clock.milliseconds += 10_000;
    reporter({ kind: 'round', round, widest: 0.042 }, [entry]);
  }
  return lines;
}

test('says whom it verifies, and after each round how much time may be left', () => {
  expect(told({ precision: 0.02, budgetMilliseconds: 100_000 })).toEqual([
    'verifying rust (1 of 1)',
    'round 1 done, widest interval ±4.2%, at most 90 s left',
    'round 2 done, widest interval ±4.2%, at most 80 s left',
  ]);
});

test('a budget that is used up leaves the time of the rounds that are run all the same', () => {
  expect(told({ precision: 0.02, budgetMilliseconds: 5_000, mostRounds: 3 }).slice(1)).toEqual([
    'round 1 done, widest interval ±4.2%, about 20 s left',
    'round 2 done, widest interval ±4.2%, about 10 s left',
  ]);
});

test('a number of rounds makes a forecast', () => {
  expect(told({ rounds: 3 }).slice(1)).toEqual([
    'round 1 done, widest interval ±4.2%, about 20 s left',
    'round 2 done, widest interval ±4.2%, about 10 s left',
  ]);
  expect(told({ precision: 0.02, budgetMilliseconds: 100_000, mostRounds: 3 }).at(-1)).toBe(
    'round 2 done, widest interval ±4.2%, about 10 s left',
  );
});
