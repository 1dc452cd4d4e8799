import { array, assert, double, integer, property } from 'fast-check';
import { expect, test } from 'vitest';
import { AdaptivePartnership } from './partnership.ts';

/** Two threads on two cores, and the cores that other programs have. */
function onTwoCores(spareCores = 0) {
  const others = { cores: 0 };
  const partnership = new AdaptivePartnership(spareCores, () => () => others.cores);
  partnership.begins();
  /** Trains so many milliseconds. @returns the mode after it */
  const train = (milliseconds: number, took = 1) => {
    for (let spent = 0; spent < milliseconds - 1e-9; spent += took) partnership.trained(took);
    return partnership.mode;
  };
  return { partnership, others, train };
}

/** Threads that have seen that a step takes 1 ms alone and half of that together. */
function settled() {
  const pair = onTwoCores();
  pair.train(300);
  expect(pair.partnership.mode).toBe('alone');
  pair.train(30);
  expect(pair.train(60, 0.5)).toBe('together');
  return pair;
}

test('threads begin together, and stay together while the runtime compiles, however slow they are', () => {
  assert(
    property(array(double({ min: 0.05, max: 20, noNaN: true }), { maxLength: 12 }), (steps) => {
      const { partnership } = onTwoCores();
      for (const took of steps) partnership.trained(took);
      expect(partnership.mode).toBe('together');
    }),
  );
});

test('once, the first thread trains alone for 30 ms, to know how long a step takes then', () => {
  const { train } = onTwoCores();
  expect(train(240)).toBe('together');
  expect(train(60)).toBe('alone');
  expect(train(29)).toBe('alone');
  expect(train(1)).toBe('together');
  expect(train(600, 0.9)).toBe('together');
});

test('threads separate within 60 ms where another program has their core, and come together when it has gone', () => {
  for (const { others, train } of [onTwoCores(), settled()]) {
    others.cores = 0.5;
    expect(train(60, 0.5)).toBe('alone');
    others.cores = 1;
    expect(train(1_000)).toBe('alone');
    others.cores = 0;
    expect(train(30)).toBe('together');
  }
});

test('another program with a core to spare is no reason to separate', () => {
  const { others, train } = onTwoCores(1);
  others.cores = 1.3;
  expect(train(240)).toBe('together');
  others.cores = 1.5;
  expect(train(60)).toBe('alone');
});

test('threads that are slower together separate, each time twice as long, up to half a second', () => {
  const { partnership, train } = settled();
  const pauses = Array.from({ length: 6 }, () => {
    expect(train(60, 1.2)).toBe('alone');
    let windows = 0;
    for (; partnership.mode === 'alone'; windows++) train(30);
    return windows;
  });
  expect(pauses).toEqual([2, 4, 8, 16, 16, 16]);
});

test('time together that was faster forgets the pauses', () => {
  assert(
    property(integer({ min: 1, max: 6 }), (failures) => {
      const { partnership, train } = settled();
      for (let n = 0; n < failures; n++) {
        train(60, 1.2);
        while (partnership.mode === 'alone') train(30);
      }
      expect(train(60, 0.5)).toBe('together');
      expect(train(60, 1.2)).toBe('alone');
      expect(train(60)).toBe('together');
    }),
  );
});

test('a thread that is late now and then is kept', () => {
  const { partnership } = settled();
  for (let n = 0; n < 1000; n++) {
    partnership.trained(n % 50 === 0 ? 8 : 0.5);
    expect(partnership.mode).toBe('together');
  }
});

test('steps are judged at the end of a call if they took 30 ms, and not at all if they took less', () => {
  for (const [milliseconds, mode] of [
    [29, 'together'],
    [30, 'alone'],
  ] as const) {
    const { partnership, others, train } = onTwoCores();
    others.cores = 1;
    train(milliseconds);
    partnership.ends();
    expect(partnership.mode).toBe(mode);
    partnership.begins();
  }
});
