import fc from 'fast-check';
import { describe, test } from 'vitest';
import { expectClose, product, TestKernel, transposed, variants } from '../test-kernel.ts';
import { type TestShape, testShapes } from '../test-shapes.ts';
import { type Direction, type Finish, product as matrixProduct, productTiles } from './linear.ts';

/** Rows of the matrices of a model. */
const rowCounts = fc.constantFrom<((shape: TestShape) => number)[]>(
  ({ model }) => model.nEmbd,
  ({ model }) => 3 * model.nEmbd,
  ({ model }) => 4 * model.nEmbd,
  ({ model }) => model.vocabSize,
);

const runs = { numRuns: 8 };

describe.each(variants)('$precision, fused $fused', (variant) => {
  test.each<[Direction, Finish]>([
    ['along', 'plain'],
    ['along', 'relu'],
    ['along', 'relu-gradient'],
    ['down', 'plain'],
    ['down', 'residual'],
  ])('%s: y = W x or Wᵀ x, %s', (direction, finish) => {
    fc.assert(
      fc.property(testShapes(), rowCounts, (given, rowCount) => {
        const { model, documents, columns, draw } = given;
        const rows = rowCount(given);
        const kernel = new TestKernel(
          model,
          variant,
          (v, l) => {
            const tiles = new Map<string, string>();
            const whole = matrixProduct('product', v, l, rows, direction, (height, n) => {
              const name = `tiles${height}x${n}`;
              tiles.set(name, productTiles(name, v, l, direction, height, n, finish));
              return name;
            });
            return [...tiles.values(), whole];
          },
          documents.length,
        );
        const [results, terms] = direction === 'along' ? [rows, model.nEmbd] : [model.nEmbd, rows];
        const w = kernel.at(kernel.l.parameters, rows, model.nEmbd);
        const [x, y] = [kernel.features(terms, columns), kernel.features(results, columns)];
        const extra = kernel.features(results, columns);
        const weights = kernel.fill(w, draw);
        const inputs = kernel.fill(x, draw);
        const other = kernel.fill(extra, () => Math.max(0, draw()));
        kernel.run('product', [w.address, x.address, y.address, extra.address, kernel.vectors(columns)], [y]);
        const expected = product(direction === 'along' ? weights : transposed(weights), inputs).map((row, o) =>
          row.map((value, t) => {
            if (finish === 'relu') return Math.max(0, value);
            if (finish === 'residual') return value + other[o][t];
            return finish === 'relu-gradient' && other[o][t] === 0 ? 0 : value;
          }),
        );
        expectClose(kernel.read(y), expected, terms * kernel.epsilon);
      }),
      runs,
    );
  });
});
