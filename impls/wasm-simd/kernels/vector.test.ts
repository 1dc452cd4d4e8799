import { describe, expect, test } from 'vitest';
import { expectClose, TestKernel, variants } from '../test-kernel.ts';
import type { Vector } from './vector.ts';
import { at, type Expression, FunctionWriter } from './wat.ts';

const model = { nEmbd: 4, nHead: 1, nLayer: 1, blockSize: 4, vocabSize: 2 };
const count = 4096;

/** `apply(from, to, vectors)`: applies a function of one vector to many. */
function applied(v: Vector, of: (f: FunctionWriter, x: Expression) => Expression): string {
  const f = new FunctionWriter('apply');
  const [from, to, vectors] = [f.parameter('i32', 'from'), f.parameter('i32', 'to'), f.parameter('i32', 'vectors')];
  const moving = [from, to].map((pointer) => ({ pointer, bytes: v.lanes * v.elementBytes }));
  f.loop(vectors, moving, () => f.do(v.store(at(to), of(f, v.load(at(from))))));
  return f.text();
}

/** Largest error of `f` over `count` arguments, in units of the last place of the exact value. */
function largestError(kernel: TestKernel, draw: (i: number) => number, exact: (x: number) => number): number {
  const [from, to] = [kernel.rows(1, count), kernel.rows(1, count)];
  const [x] = kernel.fill(from, (_, i) => draw(i));
  kernel.run('apply', [from.address, to.address, kernel.vectors(count)], [to]);
  const [y] = kernel.read(to);
  return Math.max(...y.map((value, i) => Math.abs(value - exact(x[i])) / lastPlace(exact(x[i]), kernel.epsilon)));
}

function lastPlace(value: number, epsilon: number): number {
  return value === 0 ? epsilon : 2 ** Math.floor(Math.log2(Math.abs(value))) * epsilon;
}

describe.each(variants)('$precision, fused $fused', (variant) => {
  test('e^x is good to two units in the last place, from where softmax is cut off up to 80', () => {
    const kernel = new TestKernel(model, variant, (v) => [applied(v, (f, x) => v.exp(f, [x])[0].get)]);
    const { lowestExponent } = kernel.v;
    for (const [from, to] of [
      [lowestExponent, 0],
      [-1, 0],
      [-1e-3, 1e-3],
      [0, 80],
    ])
      expect(largestError(kernel, (i) => from + ((to - from) * i) / (count - 1), Math.exp)).toBeLessThanOrEqual(2);
  });

  test('e^0 is exactly 1, so that the largest logit weighs 1', () => {
    const kernel = new TestKernel(model, variant, (v) => [applied(v, (f, x) => v.exp(f, [x])[0].get)]);
    expect(
      largestError(
        kernel,
        () => 0,
        () => 1,
      ),
    ).toBe(0);
  });

  test('ln x is good to three units in the last place, for sums of any vocabulary and near 1', () => {
    const kernel = new TestKernel(model, variant, (v) => [applied(v, (f, x) => v.log(f, x))]);
    for (const [from, to] of [
      [1, 2],
      [1, 31],
      [1, 1e6],
      [1, 1 + 2 ** -10],
      [2 ** -100, 0.9],
    ])
      expect(largestError(kernel, (i) => from * (to / from) ** (i / (count - 1)), Math.log)).toBeLessThanOrEqual(3);
  });

  test('a square is transposed', () => {
    const kernel = new TestKernel(model, variant, (v) => {
      const f = new FunctionWriter('transpose');
      const [from, to] = [f.parameter('i32', 'from'), f.parameter('i32', 'to')];
      const place = (row: number) => row * v.lanes * v.elementBytes;
      const rows = Array.from({ length: v.lanes }, (_, row) => f.let('v128', 'row', v.load(at(from, place(row)))));
      for (const [row, column] of v.transpose(f, rows).entries()) f.do(v.store(at(to, place(row)), column.get));
      return [f.text()];
    });
    const { lanes } = kernel.v;
    const [from, to] = [kernel.rows(lanes, lanes), kernel.rows(lanes, lanes)];
    const square = kernel.fill(from, (row, column) => 10 * row + column);
    kernel.run('transpose', [from.address, to.address], [to]);
    expectClose(
      kernel.read(to),
      square[0].map((_, i) => square.map((row) => row[i])),
      0,
    );
  });
});
