import { expect, test } from 'vitest';
import type { Claim } from '../results/published.ts';
import { FakeClock, fakeContender } from '../testing/fake-trainer.ts';
import { hundredDocuments } from '../testing/hundred-documents.ts';
import type { Entry } from './entry.ts';
import { fullPace } from './pace.ts';
import { race } from './race.ts';
import { chooseBaselines, claimResults } from './row.ts';

const claim: Claim = { claim: 'swift over slow', factor: 30, faster: 'swift', slower: 'slow', batch: 1 };

async function raced() {
  const clock = new FakeClock();
  const slow = fakeContender({ name: 'slow', nanosecondsPerStep: () => 1e6, clock });
  const swift = fakeContender({ name: 'swift', nanosecondsPerStep: () => 5e4, clock });
  const start = [slow, swift].map((contender) => ({ status: 'waiting' as const, contender }));
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
  const skipped: Entry = { ...identity, status: 'skipped', reason: 'no tool' };
  expect(claimResults([absent], 1, [...entries, skipped])).toMatchObject([{ missing: 'absent skipped' }]);
});

test('a claim about another batch names it', async () => {
  expect(claimResults([{ ...claim, batch: 16 }], 1, await raced())).toMatchObject([{ missing: 'at batch 16' }]);
});

const clock = new FakeClock();
const contender = (name: string, ...roles: ('python-baseline' | 'scalar-baseline')[]) =>
  fakeContender({ name, roles, nanosecondsPerStep: () => 1, clock });
const python = contender('python', 'python-baseline');
const scalar = contender('scalar', 'scalar-baseline');
const rust = contender('rust');
const analytic = contender('analytic');
const names = (...words: Parameters<typeof chooseBaselines>) => chooseBaselines(...words).map(({ row }) => row);

test('Python is the headline where it runs, with the scalar autograd beside it', () => {
  expect(chooseBaselines([rust, scalar, python], [])).toEqual([
    { row: 'python', role: 'python-baseline' },
    { row: 'scalar', role: 'scalar-baseline' },
  ]);
});

test('without Python the first row that was named is the headline', () => {
  expect(names([rust, analytic], [], 'analytic')).toEqual(['analytic']);
  expect(names([rust, analytic], [], 'missing')).toEqual(['rust']);
});

test('those asked for are taken in their order, each once', () => {
  expect(names([python, rust, analytic], ['rust', 'python', 'rust'])).toEqual(['rust', 'python']);
  expect(names([python], ['absent'])).toEqual([]);
});

test('no row, no baseline', () => {
  expect(chooseBaselines([], [])).toEqual([]);
});
