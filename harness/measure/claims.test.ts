import { expect, test } from 'vitest';
import type { Claim } from '../results/published.ts';
import { FakeClock, fakeContender } from '../testing/fake-trainer.ts';
import { hundredDocuments } from '../testing/hundred-documents.ts';
import { claimResults } from './claims.ts';
import { fullPace } from './pace.ts';
import { type Entry, race } from './race.ts';

const claim: Claim = { claim: 'swift over slow', factor: 30, faster: 'swift', slower: 'slow', batch: 1 };

async function raced() {
  const clock = new FakeClock();
  const slow = fakeContender({ name: 'slow', nanosecondsPerStep: () => 1e6, clock });
  const swift = fakeContender({ name: 'swift', nanosecondsPerStep: () => 5e4, clock });
  const start = [slow, swift].map((contender) => ({ state: 'waiting' as const, contender }));
  const { entries } = await race(start, {
    task: hundredDocuments(),
    forcedStepMilliseconds: 1,
    pace: fullPace,
    limit: { rounds: 3 },
    seed: 1,
    signal: new AbortController().signal,
    now: clock.now,
  });
  return entries;
}

test('a claim is answered by the ratio of the rows that stand for it', async () => {
  const [result] = claimResults([claim], 1, await raced());
  expect(result).toMatchObject({ claim: 'swift over slow', published: 30, faster: 'swift', slower: 'slow' });
  expect(result.here?.ratio.median).toBeCloseTo(20, 6);
  expect(result.missing).toBeUndefined();
});

test('a claim whose rows did not run says which, and why', async () => {
  const absent = { ...claim, faster: 'absent' };
  const entries = await raced();
  expect(claimResults([absent], 1, entries)).toMatchObject([{ missing: 'absent not run' }]);
  const { identity } = fakeContender({ name: 'absent', nanosecondsPerStep: () => 1, clock: new FakeClock() });
  const skipped: Entry = { state: 'refused', identity, refusal: { status: 'skipped', reason: 'no tool' } };
  expect(claimResults([absent], 1, [...entries, skipped])).toMatchObject([{ missing: 'absent skipped' }]);
});

test('a claim about another batch names it', async () => {
  expect(claimResults([{ ...claim, batch: 16 }], 1, await raced())).toMatchObject([{ missing: 'at batch 16' }]);
});
