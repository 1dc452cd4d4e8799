import { array, assert, constantFrom, double, nat, property, record } from 'fast-check';
import { expect, test } from 'vitest';
import { AdaptivePartnership } from './partnership.ts';

const step = record({
  took: double({ min: 0.05, max: 5, noNaN: true }),
  late: double({ min: 0, max: 20, noNaN: true }),
});

/** Trains together with a thread that is 5 ms late in every step, until it is sent away. */
function part(partnership: AdaptivePartnership): void {
  for (let n = 0; partnership.mode === 'together' && n < 1000; n++) partnership.trained(5.2, 5);
}

/** Milliseconds alone until the others may test their cores. */
function pauseOf(partnership: AdaptivePartnership): number {
  let pause = 0;
  for (; partnership.mode === 'alone'; pause++) partnership.trained(1, 0);
  return pause;
}

test('threads that are on time stay together', () => {
  assert(
    property(array(step), (steps) => {
      const partnership = new AdaptivePartnership();
      for (const { took } of steps) partnership.trained(took, 0);
      expect(partnership.mode).toBe('together');
    }),
  );
});

test('a thread that is late now and then is kept, one that is late again and again is sent away', () => {
  const partnership = new AdaptivePartnership();
  for (let n = 0; n < 1000; n++) partnership.trained(n % 50 === 0 ? 4.2 : 0.2, n % 50 === 0 ? 4 : 0);
  expect(partnership.mode).toBe('together');
  part(partnership);
  expect(partnership.mode).toBe('alone');
});

test('whatever happens, threads that train together have lost little more than they spared', () => {
  assert(
    property(array(step), (steps) => {
      const partnership = new AdaptivePartnership();
      let balance = 0;
      for (const { took, late } of steps) {
        if (partnership.mode !== 'together') return;
        expect(balance).toBeLessThanOrEqual(6);
        partnership.trained(took + late, late);
        balance += late - 0.5 * took;
      }
    }),
  );
});

test('the others try their cores after a pause that doubles with each failure, up to a third of a second', () => {
  const partnership = new AdaptivePartnership();
  part(partnership);
  const pauses = Array.from({ length: 8 }, () => {
    const pause = pauseOf(partnership);
    expect(partnership.mode).toBe('trying');
    partnership.tried(false);
    return pause;
  });
  expect(pauses).toEqual([20, 40, 80, 160, 320, 320, 320, 320]);
});

test('parts are given back when all have cores; only a reunion longer than the pause before it forgets the pauses', () => {
  assert(
    property(
      nat(10),
      double({ min: 0, max: 0.8, noNaN: true }),
      constantFrom(true, false),
      (failures, share, longer) => {
        const partnership = new AdaptivePartnership();
        part(partnership);
        let pause = pauseOf(partnership);
        for (let n = 0; n < failures; n++) {
          partnership.tried(false);
          pause = pauseOf(partnership);
        }
        partnership.tried(true);
        expect(partnership.mode).toBe('together');
        // It takes 10 ms until the threads separate.
        const lasts = longer ? pause * (1 + share) : Math.max(0, pause * share - 10.4);
        partnership.trained(lasts, 0);
        part(partnership);
        expect(pauseOf(partnership)).toBe(longer ? 20 : Math.min(2 * pause, 320));
      },
    ),
  );
});
