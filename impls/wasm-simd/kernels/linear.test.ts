import fc from 'fast-check';
import { describe, test } from 'vitest';
import { expectClose, product, TestKernel, transposed, variants } from '../test-kernel.ts';
import { type TestShape, testShapes } from '../test-shapes.ts';
import { type Finish, linearForward, linearInputGradient, overPositionVectors, type Shape } from './linear.ts';

/** The matrices of a model: square, wide, tall, and as many rows as there are tokens. */
const matrices = fc.constantFrom<((shape: TestShape) => Shape)[]>(
  ({ model: { nEmbd } }) => ({ outputs: 3 * nEmbd, inputs: nEmbd }),
  ({ model: { nEmbd } }) => ({ outputs: nEmbd, inputs: 4 * nEmbd }),
  ({ model: { nEmbd, vocabSize } }) => ({ outputs: vocabSize, inputs: nEmbd }),
);

const runs = { numRuns: 12 };

describe.each(variants)('$precision, fused $fused', (variant) => {
  test.each<Finish>(['plain', 'residual', 'relu'])('y = W x, %s', (finish) => {
    fc.assert(
      fc.property(testShapes(), matrices, (given, matrix) => {
        const { model, positions, draw } = given;
        const shape = matrix(given);
        const kernel = new TestKernel(model, variant, (v, l) => {
          const tiles = [1, 2, 3, 4].map((n) => linearForward(`tile${n}`, v, l, shape, n, finish));
          return [...tiles, overPositionVectors('forward', v, (n) => `tile${n}`)];
        });
        const w = kernel.at(kernel.l.parameters, shape.outputs, shape.inputs);
        const [x, y] = [kernel.features(shape.inputs, positions), kernel.features(shape.outputs, positions)];
        const extra = kernel.features(shape.outputs, positions);
        const weights = kernel.fill(w, draw);
        const inputs = kernel.fill(x, draw);
        const stream = kernel.fill(extra, draw);
        kernel.run('forward', [w.address, x.address, y.address, extra.address, kernel.vectors(positions)], [y]);
        const expected = product(weights, inputs).map((row, o) =>
          row.map((value, t) => {
            if (finish === 'relu') return Math.max(0, value);
            return finish === 'residual' ? value + stream[o][t] : value;
          }),
        );
        expectClose(kernel.read(y), expected, shape.inputs * kernel.epsilon);
      }),
      runs,
    );
  });

  test.each<Finish>(['plain', 'relu-gradient', 'added'])('dx = Wᵀ dy, %s', (finish) => {
    fc.assert(
      fc.property(testShapes(), matrices, (given, matrix) => {
        const { model, positions, draw } = given;
        const shape = matrix(given);
        const kernel = new TestKernel(model, variant, (v, l) => {
          const tiles = [1, 2, 3, 4].map((n) => linearInputGradient(`tile${n}`, v, l, shape, n, finish));
          return [...tiles, overPositionVectors('gradient', v, (n) => `tile${n}`)];
        });
        const w = kernel.at(kernel.l.parameters, shape.outputs, shape.inputs);
        const [dy, dx] = [kernel.features(shape.outputs, positions), kernel.features(shape.inputs, positions)];
        const extra = kernel.features(shape.inputs, positions);
        const weights = kernel.fill(w, draw);
        const upstream = kernel.fill(dy, draw);
        const hidden = kernel.fill(extra, () => Math.max(0, draw()));
        const before = kernel.fill(dx, draw);
        kernel.run('gradient', [w.address, dy.address, dx.address, extra.address, kernel.vectors(positions)], [dx]);
        const expected = product(transposed(weights), upstream).map((row, i) =>
          row.map((value, t) => {
            if (finish === 'added') return value + before[i][t];
            return finish === 'relu-gradient' && hidden[i][t] === 0 ? 0 : value;
          }),
        );
        expectClose(kernel.read(dx), expected, shape.outputs * kernel.epsilon);
      }),
      runs,
    );
  });
});
