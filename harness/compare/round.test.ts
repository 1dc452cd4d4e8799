import { expect, test } from 'vitest';
import { evidenceFrom, summarizeTurns } from './round.ts';

test('head is set against both base processes', () => {
  const round = summarizeTurns([{ base: 100, head: 110, control: 121 }]);
  expect(round.ratio).toBeCloseTo(1, 12);
  expect(round.control).toBeCloseTo(1.21, 12);
  expect(round.baseNanoseconds).toBeCloseTo(110, 9);
  expect(round.headNanoseconds).toBe(110);
});

test('a drift that all processes of a turn meet cancels', () => {
  const turns = [1, 1.5, 3, 2].map((drift) => ({ base: 100 * drift, head: 110 * drift, control: 100 * drift }));
  expect(summarizeTurns(turns).ratio).toBeCloseTo(1.1, 12);
});

test('one disturbed turn does not move a round', () => {
  const quiet = { base: 100, head: 110, control: 100 };
  expect(summarizeTurns([quiet, quiet, { ...quiet, head: 5000 }, quiet]).ratio).toBeCloseTo(1.1, 12);
});

test('a round without turns is refused', () => {
  expect(() => summarizeTurns([])).toThrow(RangeError);
});

test('evidence is over rounds', () => {
  const rounds = [1.09, 1.1, 1.11].map((ratio) => ({ ratio, control: 1, baseNanoseconds: 1, headNanoseconds: 1 }));
  const evidence = evidenceFrom(rounds);
  expect(evidence.rounds).toBe(3);
  expect(evidence.ratio.median).toBe(1.1);
  expect(evidence.control).toEqual({ median: 1, low: 1, high: 1 });
});
