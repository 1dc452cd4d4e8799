import { expect, test } from 'vitest';
import { AdamState, updateByAdam } from './adam.ts';
import { createProduct } from './product.ts';

const SMALLEST_NORMAL = 2 ** -1022;

test('moments of a parameter that gets no gradient any more never become subnormal, and the parameter comes to rest', () => {
  const parameters = Float64Array.of(0.5, 0.5, 0.5);
  const gradients = Float64Array.of(0.1, -1e-3, 0);
  const adam = new AdamState(3);
  const update = createProduct({
    name: 'update',
    a: { array: gradients, strides: [1, 0] },
    b: { array: Float64Array.of(1), strides: [0, 0] },
    cStrides: [1, 0],
    epilogue: updateByAdam(parameters, adam, 0, 3),
    i: 3,
    j: 1,
    k: 1,
    tile: [2, 1],
    maxRows: 1,
  });
  let rested: Float64Array | undefined;
  for (let step = 0; step < 80_000; step++) {
    adam.startStep(step, 0.01);
    update(1);
    gradients.fill(0);
    if (step === 40_000) rested = parameters.slice();
  }
  expect(parameters).toEqual(rested);
  expect(parameters[0]).toBeLessThan(0.5);
  expect(parameters[1]).toBeGreaterThan(0.5);
  expect(parameters[2]).toBe(0.5);
  for (const moment of [...adam.m, ...adam.v]) expect(Math.abs(moment)).toBeGreaterThan(SMALLEST_NORMAL);
});
