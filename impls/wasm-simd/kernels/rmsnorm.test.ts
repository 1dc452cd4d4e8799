import fc from 'fast-check';
import { describe, test } from 'vitest';
import {
  expectClose,
  expectGradient,
  innerProduct,
  type Matrix,
  TestKernel,
  transposed,
  variants,
} from '../test-kernel.ts';
import { testShapes } from '../test-shapes.ts';
import { rmsnorm, rmsnormGradient } from './rmsnorm.ts';

const scales = (x: Matrix): number[] =>
  transposed(x).map((features) => (features.reduce((sum, a) => sum + a * a, 0) / features.length + 1e-5) ** -0.5);

function naive(x: Matrix): Matrix {
  const s = scales(x);
  return x.map((row) => row.map((value, t) => value * s[t]));
}

describe.each(variants)('$precision, fused $fused', (variant) => {
  test('y = x (mean x² + 1e-5)^-1/2, the scale kept', () => {
    fc.assert(
      fc.property(testShapes(1), ({ model, columns, draw }) => {
        const kernel = new TestKernel(model, variant, (v, l) => [rmsnorm(v, l)]);
        const [x, y] = [kernel.features(model.nEmbd, columns), kernel.features(model.nEmbd, columns)];
        const scale = kernel.rows(1, columns);
        // Some positions are tiny, so that the 1e-5 matters.
        const input = kernel.fill(x, (_, t) => draw() * (t % 3 === 2 ? 1e-3 : 1));
        kernel.run('rmsnorm', [x.address, y.address, scale.address, kernel.vectors(columns)], [y, scale]);
        expectClose(kernel.read(scale), [scales(input)], 8 * kernel.epsilon);
        expectClose(kernel.read(y), naive(input), 8 * kernel.epsilon);
      }),
      { numRuns: 8 },
    );
  });

  test.each([false, true])('its gradient is the finite difference, on top of a residual: %s', (residual) => {
    fc.assert(
      fc.property(testShapes(1), ({ model, columns, draw }) => {
        const kernel = new TestKernel(model, variant, (v, l) => [rmsnormGradient('gradient', v, l, residual)]);
        const [y, dy, dx] = [1, 2, 3].map(() => kernel.features(model.nEmbd, columns));
        const scale = kernel.rows(1, columns);
        const x = Array.from({ length: model.nEmbd }, () => Array.from({ length: columns }, draw));
        const [normed, s] = [naive(x), scales(x)];
        kernel.fill(y, (i, t) => normed[i][t]);
        kernel.fill(scale, (_, t) => s[t]);
        const upstream = kernel.fill(dy, draw);
        const before = kernel.fill(dx, draw);
        const vectors = kernel.vectors(columns);
        kernel.run('gradient', [y.address, dy.address, scale.address, dx.address, vectors], [dx]);
        const passed = kernel.read(dx).map((row, i) => row.map((value, t) => value - (residual ? before[i][t] : 0)));
        expectGradient(passed, (moved) => innerProduct(naive(moved), upstream), x, 1e-7 + 64 * kernel.epsilon);
      }),
      { numRuns: 8 },
    );
  });
});
