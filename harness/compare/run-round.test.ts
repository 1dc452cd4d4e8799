import { expect, test } from 'vitest';
import type { Contender } from '../measure/contender.ts';
import { LapDeck } from '../measure/lap-deck.ts';
import { roundOrders } from '../measure/schedule.ts';
import { FakeClock, type FakeTrainerOptions, fakeContender } from '../testing/fake-trainer.ts';
import { hundredDocuments } from '../testing/hundred-documents.ts';
import { type RoundPace, runRound, SideFailure } from './run-round.ts';

const pace: RoundPace = { warmUpMilliseconds: 20, samplingMilliseconds: 20, fewestTurns: 3, mostTurns: 50 };

function contender(
  nanosecondsPerStep: FakeTrainerOptions['nanosecondsPerStep'],
  more: Partial<FakeTrainerOptions> = {},
) {
  return fakeContender({ name: 'fake', clock: new FakeClock(), nanosecondsPerStep, ...more });
}
const options = (base: Contender, head: Contender) => {
  const { signal } = new AbortController();
  const witnesses = { base: base.witness(signal), head: head.witness(signal) };
  const deck = new LapDeck(hundredDocuments(), 1);
  return { deck, witnesses, lapSteps: 11, pace, orders: roundOrders(3, 1), signal };
};

test('a round starts base twice and head once, and ends them all', async () => {
  const [base, head] = [contender(() => 1e5), contender(() => 2e5)];
  const round = await runRound(base, head, options(base, head));
  expect(round).toEqual({ ratio: 2, control: 1, baseNanoseconds: 1e6, headNanoseconds: 2e6 });
  expect([base.starts(), head.starts()]).toEqual([2, 1]);
  expect([base.alive(), head.alive()]).toEqual([0, 0]);
});

test('two base processes that differ show in the control, and both weigh in the ratio', async () => {
  const base = contender((start) => (start === 0 ? 1e5 : 4e5));
  const head = contender(() => 2e5);
  const round = await runRound(base, head, options(base, head));
  expect(round.ratio).toBeCloseTo(1, 12);
  expect(Math.abs(Math.log(round.control))).toBeCloseTo(Math.log(4), 12);
});

test('a slow beginning is warm-up and does not count', async () => {
  const warm = (_: number, trained: number) => 1e5 + 2e3 * Math.max(0, 50 - trained);
  const [base, head] = [contender(warm), contender(warm)];
  const round = await runRound(base, head, options(base, head));
  expect(round.baseNanoseconds).toBe(1e6);
});

test('laps longer than the sampling time are still taken more than once', async () => {
  let laps = 0;
  const slow = contender((_, trained) => {
    laps = Math.max(laps, trained + 1);
    return 1e9;
  });
  await runRound(slow, slow, { ...options(slow, slow), lapSteps: 2 });
  expect(laps).toBe(2 * (1 + pace.fewestTurns));
});

test('laps that take next to no time are not taken without end', async () => {
  let trained = 0;
  const tiny = contender((_, before) => {
    trained = Math.max(trained, before + 1);
    if (trained > 4 * pace.mostTurns) throw new Error('there is no end');
    return 1 + (before % 7);
  });
  await runRound(tiny, tiny, { ...options(tiny, tiny), lapSteps: 2 });
  expect(trained).toBe(2 * 2 * pace.mostTurns);
});

test.each(['base', 'head'] as const)('a wrong lap of %s is told with its side, and no process stays', async (side) => {
  const right = contender(() => 1e5);
  const wrong = contender(() => 1e5, { failure: { start: 0, kind: 'wrong' } });
  const [base, head] = side === 'base' ? [wrong, right] : [right, wrong];
  const failure = await runRound(base, head, options(base, head)).catch((e) => e);
  expect(failure).toBeInstanceOf(SideFailure);
  expect(failure).toMatchObject({ side, status: 'wrong' });
  expect([right.alive(), wrong.alive()]).toEqual([0, 0]);
});

test.each(['crash', 'unsupported'] as const)('a head whose process ends with "%s" broke', async (kind) => {
  const head = contender(() => 1e5, { failure: { start: 0, kind } });
  const base = contender(() => 1e5);
  const failure = await runRound(base, head, options(base, head)).catch((e) => e);
  expect(failure).toMatchObject({ side: 'head', status: 'broken' });
});
