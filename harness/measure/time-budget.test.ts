import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { OutOfTime, TimeBudget } from './time-budget.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const noInterrupt = new AbortController().signal;

/** Work that ends only when its signal does. */
function untilEnded(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('the program was ended')));
  });
}

it('ends a row whose verification takes too long, and the time of the rounds does not run meanwhile', async () => {
  const budget = new TimeBudget({ verification: 5_000, rounds: 1_000 }, noInterrupt);
  const ended = expect(budget.spend('slow', () => untilEnded(budget.signalOf('slow')))).rejects.toThrow(
    'took 5 s, the most for its verification; --timeout gives it longer',
  );
  await vi.advanceTimersByTimeAsync(5_001);
  await ended;
  expect(budget.isOver).toBe(false);
  budget.startRounds(new Map());
  expect(await budget.spend('fast', async () => 3)).toBe(3);
  await vi.advanceTimersByTimeAsync(1_001);
  expect(budget.isOver).toBe(true);
});

it('gives every row what its fewest processes need, if the rounds have as much', async () => {
  const budget = new TimeBudget({ verification: 1_000, rounds: 10_000 }, noInterrupt);
  const work = (milliseconds: number) => () => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
  const verified = budget.spend('slow', work(900));
  await vi.advanceTimersByTimeAsync(901);
  await verified;
  budget.startRounds(
    new Map([
      ['slow', 8_000],
      ['fast', 2_000],
    ]),
  );
  const timed = budget.spend('slow', work(7_900));
  await vi.advanceTimersByTimeAsync(7_901);
  await timed;
  expect(budget.isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(2_200);
  expect(budget.isOver).toBe(true);
});

it('gives the rounds no more time for rows that need more, and each of them no more than half', async () => {
  const budget = new TimeBudget({ rounds: 10_000 }, noInterrupt);
  budget.startRounds(new Map([['slow', 60_000]]));
  const ended = expect(budget.spend('slow', () => untilEnded(budget.signalOf('slow')))).rejects.toThrow(/took 5 s/);
  await vi.advanceTimersByTimeAsync(5_001);
  await ended;
  await vi.advanceTimersByTimeAsync(5_001);
  expect(budget.isOver).toBe(true);
});

it('gives the rounds what so many rows need, however fast they are', async () => {
  const budget = new TimeBudget({ rounds: 1_000 }, noInterrupt);
  budget.startRounds(new Map(), 5_000);
  await vi.advanceTimersByTimeAsync(4_900);
  expect(budget.isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(200);
  expect(budget.isOver).toBe(true);
});

it('ends a row that takes half of the rounds, whatever its work says of that, and goes on with the others', async () => {
  const budget = new TimeBudget({ rounds: 10_000 }, noInterrupt);
  budget.startRounds(new Map());
  const ended = expect(budget.spend('slow', () => untilEnded(budget.signalOf('slow')))).rejects.toThrow(OutOfTime);
  await vi.advanceTimersByTimeAsync(5_001);
  await ended;
  expect(budget.isOver).toBe(false);
  expect(await budget.spend('fast', async () => 3)).toBe(3);
  budget[Symbol.dispose]();
});

it('adds up what a row takes: many short pieces of work end it too', async () => {
  const budget = new TimeBudget({ rounds: 10_000 }, noInterrupt);
  budget.startRounds(new Map());
  const work = () => new Promise<void>((resolve) => setTimeout(resolve, 2_000));
  const all = expect(
    (async () => {
      for (let i = 0; i < 4; i++) await budget.spend('sleeps', work);
    })(),
  ).rejects.toThrow(/half of the time for the rounds/);
  await vi.advanceTimersByTimeAsync(9_000);
  await all;
  budget[Symbol.dispose]();
});

it('ends everything when the rounds are over, and without a limit nothing', async () => {
  const [limited, endless] = [new TimeBudget({ rounds: 1_000 }, noInterrupt), new TimeBudget({}, noInterrupt)];
  for (const budget of [limited, endless]) budget.startRounds(new Map());
  await vi.advanceTimersByTimeAsync(1_001);
  expect([limited.isOver, limited.signal.aborted, limited.signalOf('row').aborted]).toEqual([true, true, true]);
  expect([endless.isOver, endless.signal.aborted]).toEqual([false, false]);
});
