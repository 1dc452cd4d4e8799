import { expect, test } from 'vitest';
import { workWithin } from './contender.ts';

test('how long a word worked does not count what was waited for a processor', () => {
  expect(workWithin(1000, { delayNanoseconds: 300, mainThreadNanoseconds: 100 })).toBe(700);
});

test('delays that add up to more than the word leave the processor time of the main thread', () => {
  expect(workWithin(1000, { delayNanoseconds: 1500, mainThreadNanoseconds: 400 })).toBe(400);
});

test('a word is all work where the platform tells no processor time', () => {
  expect(workWithin(1000, { delayNanoseconds: 300 })).toBe(1000);
});

test('a word never works longer than it lasts, and never for no time', () => {
  expect(workWithin(1000, { delayNanoseconds: 0, mainThreadNanoseconds: 1200 })).toBe(1000);
  expect(workWithin(1000, { delayNanoseconds: 1000, mainThreadNanoseconds: 0 })).toBe(1000);
});
