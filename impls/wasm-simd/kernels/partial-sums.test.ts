import fc from 'fast-check';
import { describe, test } from 'vitest';
import { expectClose, TestKernel, variants } from '../test-kernel.ts';
import { testShapes } from '../test-shapes.ts';
import { sumPartials } from './partial-sums.ts';

describe.each(variants)('$precision, fused $fused', (variant) => {
  test.each([true, false])('adds up what threads have left, and what a residual carries past: %s', (residual) => {
    fc.assert(
      fc.property(testShapes(1), fc.integer({ min: 1, max: 5 }), ({ model, columns, draw }, threads) => {
        const { nEmbd } = model;
        const kernel = new TestKernel(model, variant, (v, l) => [sumPartials('sum', v, l, nEmbd, threads, residual)]);
        const partials = Array.from({ length: threads }, () => kernel.features(nEmbd, columns));
        const [to, extra] = [kernel.features(nEmbd, columns), kernel.features(nEmbd, columns)];
        const parts = partials.map((place) => kernel.fill(place, draw));
        const carried = kernel.fill(extra, draw);
        kernel.run('sum', [partials[0].address, to.address, extra.address, kernel.vectors(columns)], [to]);
        const expected = carried.map((row, feature) =>
          row.map((value, t) => {
            const sum = Array.from({ length: threads }, (_, k) => parts[k][feature][t]);
            return sum.reduce((total, part) => total + part, residual ? value : 0);
          }),
        );
        expectClose(kernel.read(to), expected, (threads + 1) * kernel.epsilon);
      }),
      { numRuns: 8 },
    );
  });
});
