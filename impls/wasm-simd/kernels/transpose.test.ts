import fc from 'fast-check';
import { describe, test } from 'vitest';
import { expectClose, TestKernel, transposed, variants } from '../test-kernel.ts';
import { testShapes } from '../test-shapes.ts';
import { fromRows, toRows } from './transpose.ts';

describe.each(variants)('$precision, fused $fused', (variant) => {
  test('features become rows of positions, and back', () => {
    fc.assert(
      fc.property(testShapes(), ({ model: { nEmbd, ...model }, positions, draw }) => {
        const kernel = new TestKernel({ ...model, nEmbd }, variant, (v, l) => [
          toRows('toRows', v, l, nEmbd),
          fromRows('fromRows', v, l, nEmbd),
        ]);
        // Whole squares are transposed, so padding comes along.
        const padded = kernel.vectors(positions) * kernel.v.lanes;
        const [from, back] = [kernel.features(nEmbd, padded), kernel.features(nEmbd, padded)];
        const rows = kernel.rows(padded, nEmbd);
        const x = kernel.fill(from, draw);
        kernel.run('toRows', [from.address, rows.address, kernel.vectors(positions)], [rows]);
        expectClose(kernel.read(rows), transposed(x), 0);
        kernel.run('fromRows', [rows.address, back.address, kernel.vectors(positions)], [back]);
        expectClose(kernel.read(back), x, 0);
      }),
      { numRuns: 10 },
    );
  });
});
