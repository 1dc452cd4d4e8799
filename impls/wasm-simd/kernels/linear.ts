import type { Layout } from './layout.ts';
import type { Vector } from './vector.ts';
import { type Address, at, call, type Expression, FunctionWriter, i32, type Local } from './wat.ts';

/** A weight matrix `[outputs][inputs]`, row by row. */
export interface Shape {
  readonly outputs: number;
  readonly inputs: number;
}

/** How many position vectors one register tile spans at the most. */
export const maxTileVectors = 4;

/** Rows of a register tile for a number of position vectors: 8 to 9 accumulators, as many as FMA latency × throughput. */
const tileRows = [0, 8, 4, 3, 2];

const unroll = 16;

/** What happens to a product before it is stored. */
export type Finish = 'plain' | 'residual' | 'relu' | 'relu-gradient' | 'added';

/** Runs `tile` over `count` rows, as many at a time as fit, the rest in a smaller tile. */
function overTiles(
  f: FunctionWriter,
  count: number,
  rows: number,
  moving: [Local, number][],
  tile: (rows: number) => void,
) {
  const whole = Math.floor(count / rows);
  const moved = moving.map(([pointer, bytes]) => ({ pointer, bytes: bytes * rows }));
  if (whole > 0) f.loop(whole, moved, () => tile(rows));
  if (count % rows > 0) tile(count % rows);
}

export function accumulators(
  f: FunctionWriter,
  rows: number,
  columns: number,
  start: (row: number, column: number) => Expression,
) {
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => f.let('v128', 'acc', start(row, column))),
  );
}

/** acc[row][column] += a[row] · b[column], with each a in all lanes. */
export function outerProduct(
  f: FunctionWriter,
  v: Vector,
  acc: Local[][],
  a: (row: number) => Address,
  b: (column: number) => Address,
) {
  const columns = (acc[0] ?? []).map((_, column) => f.let('v128', 'b', v.load(b(column))));
  for (const [row, accRow] of acc.entries()) {
    const factor = f.let('v128', 'a', v.splat(a(row)));
    for (const [column, cell] of accRow.entries()) {
      const right = columns[column];
      if (right !== undefined) f.set(cell, v.madd(factor.get, right.get, cell.get));
    }
  }
}

/**
 * `name(w, x, y, extra)`: y[o] = Σ_i W[o][i] · x[i] over `vectors` vectors of positions, for x `[inputs]` and y `[outputs]`.
 * With `residual`, `extra` is added to y; with `relu`, negative results become zero.
 */
export function linearForward(
  name: string,
  v: Vector,
  l: Layout,
  shape: Shape,
  vectors: number,
  finish: Finish,
): string {
  const f = new FunctionWriter(name);
  const [w, x, y, extra] = [
    f.parameter('i32', 'w'),
    f.parameter('i32', 'x'),
    f.parameter('i32', 'y'),
    f.parameter('i32', 'extra'),
  ];
  const rowBytes = shape.inputs * v.elementBytes;
  const vectorBytes = v.lanes * v.elementBytes;
  const [wi, xi] = [f.local('i32', 'wi'), f.local('i32', 'xi')];
  const zero = f.let('v128', 'zero', v.constant(0));
  const moving: [Local, number][] = [
    [w, rowBytes],
    [y, l.strideBytes],
  ];
  if (finish === 'residual') moving.push([extra, l.strideBytes]);
  overTiles(f, shape.outputs, tileRows[vectors] ?? 1, moving, (rows) => {
    const cell = (row: number, column: number) => row * l.strideBytes + column * vectorBytes;
    const acc = accumulators(f, rows, vectors, (row, column) =>
      finish === 'residual' ? v.load(at(extra, cell(row, column))) : zero.get,
    );
    f.set(wi, w.get);
    f.set(xi, x.get);
    f.unrolled(
      shape.inputs,
      unroll,
      [
        { pointer: wi, bytes: v.elementBytes },
        { pointer: xi, bytes: l.strideBytes },
      ],
      (copy) =>
        outerProduct(
          f,
          v,
          acc,
          (row) => at(wi, row * rowBytes + copy * v.elementBytes),
          (column) => at(xi, copy * l.strideBytes + column * vectorBytes),
        ),
    );
    for (const [row, accRow] of acc.entries())
      for (const [column, value] of accRow.entries())
        f.do(v.store(at(y, cell(row, column)), finish === 'relu' ? v.max(zero.get, value.get) : value.get));
  });
  return f.text();
}

/**
 * `name(w, dy, dx, extra)`: dx[i] = Σ_o W[o][i] · dy[o] over `vectors` vectors of positions. With `added`, the result is
 * added to what dx holds.
 * With `relu-gradient`, dx is zero wherever `extra`, relu's output of the same shape, is zero.
 */
export function linearInputGradient(
  name: string,
  v: Vector,
  l: Layout,
  shape: Shape,
  vectors: number,
  finish: Finish,
): string {
  const f = new FunctionWriter(name);
  const [w, dy, dx, extra] = [
    f.parameter('i32', 'w'),
    f.parameter('i32', 'dy'),
    f.parameter('i32', 'dx'),
    f.parameter('i32', 'extra'),
  ];
  const rowBytes = shape.inputs * v.elementBytes;
  const vectorBytes = v.lanes * v.elementBytes;
  const [wo, dyo] = [f.local('i32', 'wo'), f.local('i32', 'dyo')];
  const zero = f.let('v128', 'zero', v.constant(0));
  const moving: [Local, number][] = [
    [w, v.elementBytes],
    [dx, l.strideBytes],
  ];
  if (finish === 'relu-gradient') moving.push([extra, l.strideBytes]);
  overTiles(f, shape.inputs, tileRows[vectors] ?? 1, moving, (rows) => {
    const cell = (row: number, column: number) => row * l.strideBytes + column * vectorBytes;
    const acc = accumulators(f, rows, vectors, (row, column) =>
      finish === 'added' ? v.load(at(dx, cell(row, column))) : zero.get,
    );
    f.set(wo, w.get);
    f.set(dyo, dy.get);
    f.unrolled(
      shape.outputs,
      unroll,
      [
        { pointer: wo, bytes: rowBytes },
        { pointer: dyo, bytes: l.strideBytes },
      ],
      (copy) =>
        outerProduct(
          f,
          v,
          acc,
          (row) => at(wo, row * v.elementBytes + copy * rowBytes),
          (column) => at(dyo, copy * l.strideBytes + column * vectorBytes),
        ),
    );
    for (const [row, accRow] of acc.entries())
      for (const [column, value] of accRow.entries()) {
        const place = cell(row, column);
        const passed = v.where(v.greater(v.load(at(extra, place)), zero.get), value.get);
        f.do(v.store(at(dx, place), finish === 'relu-gradient' ? passed : value.get));
      }
  });
  return f.text();
}

/**
 * `name(w, in, out, extra, vectors)`: one of the two products above over any number of position vectors, as many at a
 * time as a register tile spans.
 */
export function overPositionVectors(name: string, v: Vector, tile: (vectors: number) => string): string {
  const f = new FunctionWriter(name);
  const parameters = ['w', 'from', 'to', 'extra'].map((parameter) => f.parameter('i32', parameter));
  const left = f.parameter('i32', 'vectors');
  const [w, from, to, extra] = parameters.map((p) => p.get);
  if (w === undefined || from === undefined || to === undefined || extra === undefined)
    throw new RangeError('four pointers');
  const tileBytes = maxTileVectors * v.lanes * v.elementBytes;
  f.do('(block $done');
  f.do('(loop $next');
  for (let vectors = 1; vectors < maxTileVectors; vectors++)
    f.do(
      `(if (i32.eq ${left.get} (i32.const ${vectors})) (then ${call(tile(vectors), w, from, to, extra)} (br $done)))`,
    );
  f.do(call(tile(maxTileVectors), w, from, to, extra));
  for (const p of parameters.slice(1)) f.advance(p, tileBytes);
  f.set(left, i32.sub(left.get, i32.constant(maxTileVectors)));
  f.do(`(br_if $next ${left.get})))`);
  return f.text();
}
