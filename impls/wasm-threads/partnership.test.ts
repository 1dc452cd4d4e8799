import { array, assert, constantFrom, double, nat, property, record } from 'fast-check';
import { expect, test } from 'vitest';
import { AdaptivePartnership } from './partnership.ts';

/** Trains alone, 1 ms a step, until the others may test their cores. @returns the time of that */
function pauseOf(partnership: AdaptivePartnership): number {
  let pause = 0;
  for (; partnership.mode === 'alone'; pause++) partnership.trained(1);
  return pause;
}

/** Threads that have just come together for the first time; a step takes 1 ms alone. */
function united(): AdaptivePartnership {
  const partnership = new AdaptivePartnership();
  pauseOf(partnership);
  return partnership;
}

/** Trains together until the others are sent away. */
function part(partnership: AdaptivePartnership, took = 5.2): void {
  for (let n = 0; partnership.mode === 'together' && n < 1000; n++) partnership.trained(took);
}

test('threads first train alone, and then together', () => {
  const partnership = new AdaptivePartnership();
  expect(partnership.mode).toBe('alone');
  expect(pauseOf(partnership)).toBe(20);
  expect(partnership.mode).toBe('together');
});

test('threads that are faster together stay together', () => {
  assert(
    property(array(double({ min: 0.05, max: 1, noNaN: true })), (steps) => {
      const partnership = united();
      for (const took of steps) partnership.trained(took);
      expect(partnership.mode).toBe('together');
    }),
  );
});

test('threads that are a little slower together separate, though none is late', () => {
  const partnership = united();
  part(partnership, 1.05);
  expect(partnership.mode).toBe('alone');
});

test.each([
  ['slow', 4, 1.05, 'alone'],
  ['fast', 0.2, 0.95, 'together'],
])('a few %s steps do not count as the time of a step alone', (_, few, took, mode) => {
  const partnership = new AdaptivePartnership();
  for (let n = 0; n < 3; n++) partnership.trained(few);
  pauseOf(partnership);
  part(partnership, took);
  expect(partnership.mode).toBe(mode);
});

test('a thread that is late now and then is kept, one that is late again and again is sent away', () => {
  const partnership = united();
  for (let n = 0; n < 1000; n++) partnership.trained(n % 50 === 0 ? 4.6 : 0.6);
  expect(partnership.mode).toBe('together');
  part(partnership);
  expect(partnership.mode).toBe('alone');
});

test('whatever happens, threads that train together have lost little more than they saved', () => {
  const step = record({
    took: double({ min: 0.05, max: 5, noNaN: true }),
    late: double({ min: 0, max: 20, noNaN: true }),
  });
  assert(
    property(array(step), (steps) => {
      const partnership = united();
      let balance = 0;
      for (const { took, late } of steps) {
        if (partnership.mode !== 'together') return;
        expect(balance).toBeLessThanOrEqual(6);
        partnership.trained(took + late);
        balance += took + late - 1;
      }
    }),
  );
});

test('the others try their cores after a pause that doubles with each failure, up to a third of a second', () => {
  const partnership = united();
  part(partnership);
  const pauses = Array.from({ length: 6 }, () => {
    const pause = pauseOf(partnership);
    expect(partnership.mode).toBe('trying');
    partnership.tried(false);
    return pause;
  });
  expect(pauses).toEqual([40, 80, 160, 320, 320, 320]);
});

test('parts are given back when all have cores; only time together that saved something forgets the pauses', () => {
  assert(
    property(
      nat(8),
      double({ min: 0.1, max: 0.9, noNaN: true }),
      constantFrom(true, false),
      (failures, took, saves) => {
        const partnership = new AdaptivePartnership();
        let pause = pauseOf(partnership);
        for (let n = 0; n < failures; n++) {
          partnership.tried(false);
          pause = pauseOf(partnership);
        }
        partnership.tried(true);
        expect(partnership.mode).toBe('together');
        if (saves) for (let n = 0; n < 200; n++) partnership.trained(took);
        part(partnership);
        expect(pauseOf(partnership)).toBe(saves ? 20 : Math.min(2 * pause, 320));
      },
    ),
  );
});
