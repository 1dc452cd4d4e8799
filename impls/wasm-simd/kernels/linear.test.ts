import fc from 'fast-check';
import { describe, test } from 'vitest';
import { expectClose, product, TestKernel, transposed, variants } from '../test-kernel.ts';
import { type TestShape, testShapes } from '../test-shapes.ts';
import { type Direction, type Finish, product as matrixProduct, productTiles, type Shape } from './linear.ts';

/** The matrices of a model: square, wide, tall, and as many rows as there are tokens. */
const matrices = fc.constantFrom<((shape: TestShape) => Shape)[]>(
  ({ model: { nEmbd } }) => ({ outputs: 3 * nEmbd, inputs: nEmbd }),
  ({ model: { nEmbd } }) => ({ outputs: nEmbd, inputs: 4 * nEmbd }),
  ({ model: { nEmbd, vocabSize } }) => ({ outputs: vocabSize, inputs: nEmbd }),
);

const runs = { numRuns: 8 };

describe.each(variants)('$precision, fused $fused', (variant) => {
  test.each<[Direction, Finish]>([
    ['forward', 'plain'],
    ['forward', 'residual'],
    ['forward', 'relu'],
    ['backward', 'plain'],
    ['backward', 'residual'],
    ['backward', 'relu-gradient'],
  ])('%s: y = W x or Wᵀ x, %s', (direction, finish) => {
    fc.assert(
      fc.property(testShapes(), matrices, (given, matrix) => {
        const { model, documents, columns, draw } = given;
        const shape = matrix(given);
        const kernel = new TestKernel(
          model,
          variant,
          (v, l) => {
            const tiles = new Map<string, string>();
            const whole = matrixProduct('product', v, l, shape, direction, (rows, n) => {
              const name = `tiles${rows}x${n}`;
              tiles.set(name, productTiles(name, v, l, shape.inputs, direction, rows, n, finish));
              return name;
            });
            return [...tiles.values(), whole];
          },
          documents.length,
        );
        const [results, terms] =
          direction === 'forward' ? [shape.outputs, shape.inputs] : [shape.inputs, shape.outputs];
        const w = kernel.at(kernel.l.parameters, shape.outputs, shape.inputs);
        const [x, y] = [kernel.features(terms, columns), kernel.features(results, columns)];
        const extra = kernel.features(results, columns);
        const weights = kernel.fill(w, draw);
        const inputs = kernel.fill(x, draw);
        const other = kernel.fill(extra, () => Math.max(0, draw()));
        kernel.run('product', [w.address, x.address, y.address, extra.address, kernel.vectors(columns)], [y]);
        const expected = product(direction === 'forward' ? weights : transposed(weights), inputs).map((row, o) =>
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
