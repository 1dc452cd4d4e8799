import { expect, test } from 'vitest';
import type { Claim } from '../results/claims.ts';
import { refusedRow } from '../testing/example-result.ts';
import { FakeClock, fakeContender } from '../testing/fake-trainer.ts';
import { claimResults } from './claims.ts';
import { fullPace } from './pace.ts';
import { race } from './race.ts';

const claim: Claim = { claim: 'swift over slow', factor: 30, faster: 'swift', slower: 'slow', batch: 1 };

async function raced() {
  const clock = new FakeClock();
  const slow = fakeContender({ name: 'slow', nanosecondsPerStep: () => 1e6, clock });
  const swift = fakeContender({ name: 'swift', nanosecondsPerStep: () => 5e4, clock });
  return race([slow, swift], {
    stepsKnown: 100,
    batch: 1,
    baselines: [],
    pace: fullPace,
    limit: { rounds: 3 },
    seed: 1,
    signal: new AbortController().signal,
    now: clock.now,
  });
}

test('a claim is answered by the ratio of the rows that stand for it', async () => {
  const [result] = claimResults([claim], 1, await raced(), []);
  expect(result).toMatchObject({ claim: 'swift over slow', published: 30, faster: 'swift', slower: 'slow' });
  expect(result.here?.ratio.median).toBeCloseTo(20, 6);
  expect(result.missing).toBeUndefined();
});

test('a claim whose rows did not run says which, and why', async () => {
  const absent = { ...claim, faster: 'absent' };
  const entries = await raced();
  expect(claimResults([absent], 1, entries, [])).toMatchObject([{ missing: 'absent not run' }]);
  const skipped = refusedRow({ implementation: 'absent', status: 'skipped' });
  expect(claimResults([absent], 1, entries, [skipped])).toMatchObject([{ missing: 'absent skipped' }]);
});

test('a claim about another batch names it', async () => {
  expect(claimResults([{ ...claim, batch: 16 }], 1, await raced(), [])).toMatchObject([{ missing: 'at batch 16' }]);
});
