import { expect, test } from 'vitest';
import { softmax } from './softmax.ts';

test('replaces a range by its softmax and returns the logarithm of the sum of exponentials', () => {
  const values = Float64Array.of(99, 1, 2, 3, 99);
  const total = Math.exp(1) + Math.exp(2) + Math.exp(3);
  expect(softmax(values, 1, 4)).toBeCloseTo(Math.log(total), 14);
  expect(values[0]).toBe(99);
  expect(values[4]).toBe(99);
  for (const n of [1, 2, 3]) expect(values[n]).toBeCloseTo(Math.exp(n) / total, 14);
});

test('large values do not overflow, and probabilities too small to matter are zero and not subnormal', () => {
  const values = Float64Array.of(5000, 4999, 4270, -5000);
  expect(softmax(values, 0, 4)).toBeCloseTo(5000 + Math.log1p(Math.exp(-1)), 10);
  expect([...values.subarray(2)]).toEqual([0, 0]);
});
