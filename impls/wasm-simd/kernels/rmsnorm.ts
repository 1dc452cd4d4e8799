import type { Layout } from './layout.ts';
import type { Vector } from './vector.ts';
import { at, FunctionWriter } from './wat.ts';

const rmsnormEpsilon = 1e-5;
const unroll = 16;

/**
 * `rmsnorm(x, y, scale, vectors)`: y = x · s with s = (mean over features of x² + 1e-5)^-1/2. The scale s is kept for the backward pass.
 * x, y `[nEmbd][position]`, scale `[position]`.
 */
export function rmsnorm(v: Vector, l: Layout): string {
  const f = new FunctionWriter('rmsnorm');
  const [x, y, scale, vectors] = [
    f.parameter('i32', 'x'),
    f.parameter('i32', 'y'),
    f.parameter('i32', 'scale'),
    f.parameter('i32', 'vectors'),
  ];
  const { nEmbd } = l.model;
  const vectorBytes = v.lanes * v.elementBytes;
  const [xi, yi] = [f.local('i32', 'xi'), f.local('i32', 'yi')];
  const s = f.local('v128', 's');
  f.loop(
    vectors,
    [
      { pointer: x, bytes: l.recordBytes },
      { pointer: y, bytes: l.recordBytes },
      { pointer: scale, bytes: vectorBytes },
    ],
    () => {
      const sums = [0, 1, 2, 3].map(() => f.let('v128', 'sum', v.constant(0)));
      f.set(xi, x.get);
      f.unrolled(nEmbd, unroll, [{ pointer: xi, bytes: l.strideBytes }], (copy) => {
        const value = f.let('v128', 'value', v.load(at(xi, copy * l.strideBytes)));
        const sum = sums[copy % sums.length];
        if (sum !== undefined) f.set(sum, v.madd(value.get, value.get, sum.get));
      });
      const total = sums.map((sum) => sum.get).reduce(v.add);
      f.set(s, v.div(v.constant(1), v.sqrt(v.madd(total, v.constant(1 / nEmbd), v.constant(rmsnormEpsilon)))));
      f.do(v.store(at(scale), s.get));
      f.set(xi, x.get);
      f.set(yi, y.get);
      f.unrolled(
        nEmbd,
        unroll,
        [
          { pointer: xi, bytes: l.strideBytes },
          { pointer: yi, bytes: l.strideBytes },
        ],
        (copy) => {
          f.do(v.store(at(yi, copy * l.strideBytes), v.mul(v.load(at(xi, copy * l.strideBytes)), s.get)));
        },
      );
    },
  );
  return f.text();
}

/**
 * `name(y, dy, scale, dx, vectors)`: dx = s · (dy - y · mean over features of dy · y). With `residual`, dx already holds
 * the gradient of the residual connection, and the norm's gradient is added to it.
 */
export function rmsnormGradient(name: string, v: Vector, l: Layout, residual: boolean): string {
  const f = new FunctionWriter(name);
  const [y, dy, scale, dx] = [
    f.parameter('i32', 'y'),
    f.parameter('i32', 'dy'),
    f.parameter('i32', 'scale'),
    f.parameter('i32', 'dx'),
  ];
  const vectors = f.parameter('i32', 'vectors');
  const { nEmbd } = l.model;
  const vectorBytes = v.lanes * v.elementBytes;
  const [yi, dyi, dxi] = [f.local('i32', 'yi'), f.local('i32', 'dyi'), f.local('i32', 'dxi')];
  const [s, mean] = [f.local('v128', 's'), f.local('v128', 'mean')];
  f.loop(
    vectors,
    [...[y, dy, dx].map((pointer) => ({ pointer, bytes: l.recordBytes })), { pointer: scale, bytes: vectorBytes }],
    () => {
      const sums = [0, 1, 2, 3].map(() => f.let('v128', 'sum', v.constant(0)));
      f.set(yi, y.get);
      f.set(dyi, dy.get);
      f.unrolled(
        nEmbd,
        unroll,
        [yi, dyi].map((pointer) => ({ pointer, bytes: l.strideBytes })),
        (copy) => {
          const row = copy * l.strideBytes;
          const sum = sums[copy % sums.length];
          if (sum !== undefined) f.set(sum, v.madd(v.load(at(yi, row)), v.load(at(dyi, row)), sum.get));
        },
      );
      f.set(s, v.load(at(scale)));
      f.set(mean, v.mul(sums.map((sum) => sum.get).reduce(v.add), v.constant(1 / nEmbd)));
      f.set(yi, y.get);
      f.set(dyi, dy.get);
      f.set(dxi, dx.get);
      f.unrolled(
        nEmbd,
        unroll,
        [yi, dyi, dxi].map((pointer) => ({ pointer, bytes: l.strideBytes })),
        (copy) => {
          const row = copy * l.strideBytes;
          const through = v.nmadd(v.load(at(yi, row)), mean.get, v.load(at(dyi, row)));
          f.do(v.store(at(dxi, row), residual ? v.madd(through, s.get, v.load(at(dxi, row))) : v.mul(through, s.get)));
        },
      );
    },
  );
  return f.text();
}
