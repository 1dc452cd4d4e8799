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

it('ends a row that takes half of the run, whatever its work says of that, and goes on with the others', async () => {
  const budget = new TimeBudget(10_000, noInterrupt);
  const ended = expect(budget.spend('slow', () => untilEnded(budget.signalOf('slow')))).rejects.toThrow(OutOfTime);
  await vi.advanceTimersByTimeAsync(5_001);
  await ended;
  expect(budget.isOver).toBe(false);
  expect(await budget.spend('fast', async () => 3)).toBe(3);
  budget.close();
});

it('adds up what a row takes: many short pieces of work end it too', async () => {
  const budget = new TimeBudget(10_000, noInterrupt);
  const work = () => new Promise<void>((resolve) => setTimeout(resolve, 2_000));
  const all = expect(
    (async () => {
      for (let i = 0; i < 4; i++) await budget.spend('sleeps', work);
    })(),
  ).rejects.toThrow(/half of the run/);
  await vi.advanceTimersByTimeAsync(9_000);
  await all;
  budget.close();
});

it('ends everything when the run is over, and without a limit nothing', async () => {
  const [limited, endless] = [new TimeBudget(1_000, noInterrupt), new TimeBudget(undefined, noInterrupt)];
  await vi.advanceTimersByTimeAsync(1_001);
  expect([limited.isOver, limited.signal.aborted, limited.signalOf('row').aborted]).toEqual([true, true, true]);
  expect([endless.isOver, endless.signal.aborted]).toEqual([false, false]);
});
