import { expect, test } from 'vitest';
import { workWithin } from './contender.ts';

const before = { running: 50, mainRunning: 20, waiting: 10 };

test('how long a word worked does not count what the row waited for a processor', () => {
  expect(workWithin(1000, before, { running: 150, mainRunning: 120, waiting: 310 })).toBe(700);
});

test('waits that add up to more than the word leave the processor time of the main thread', () => {
  expect(workWithin(1000, before, { running: 450, mainRunning: 420, waiting: 1510 })).toBe(400);
});

test('a word is all work where the platform tells nothing of processors', () => {
  expect(workWithin(1000, undefined, undefined)).toBe(1000);
});

test('a word never works longer than it lasts, and never for no time', () => {
  expect(workWithin(1000, before, { running: 1250, mainRunning: 1220, waiting: 10 })).toBe(1000);
  expect(workWithin(1000, before, { ...before, waiting: 1010 })).toBe(1000);
});
