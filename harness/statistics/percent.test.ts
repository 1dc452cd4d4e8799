import { expect, test } from 'vitest';
import { percent, percentChange } from './percent.ts';

test('a fraction has a decimal only where it needs one', () => {
  expect(percent(0.05)).toBe('5%');
  expect(percent(0.0166)).toBe('1.7%');
});

test('changes carry their sign', () => {
  expect(percentChange(1.102)).toBe('+10.2%');
  expect(percentChange(0.9)).toBe('-10.0%');
});
