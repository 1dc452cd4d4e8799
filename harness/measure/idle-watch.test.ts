import { expect, test } from 'vitest';
import { watchIdle } from './idle-watch.ts';

/** What is said of a process that used so much of a processor while it waited for 20 s. */
function afterTwentySeconds(processor: readonly (number | undefined)[]): string | undefined {
  const [readings, times] = [processor.values(), [1_000, 21_000].values()];
  const next = <T>(values: Iterator<T>) => values.next().value;
  return watchIdle({ processorMilliseconds: () => next(readings) }, () => next(times) ?? Number.NaN)();
}

test('a process that ends what its compiler has begun may wait', () => {
  expect(afterTwentySeconds([300, 300])).toBeUndefined();
  expect(afterTwentySeconds([300, 1_000])).toBeUndefined();
});

test('a process that works while it is asked nothing is found', () => {
  expect(afterTwentySeconds([300, 4_300])).toMatch(/^it worked for 4\.0 s in 20\.0 s in which it was asked nothing/);
});

test('nothing is said where the platform does not tell', () => {
  expect(afterTwentySeconds([undefined, undefined])).toBeUndefined();
});
