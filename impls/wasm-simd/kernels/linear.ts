import type { Layout } from './layout.ts';
import type { Vector } from './vector.ts';
import { type Address, at, call, type Expression, FunctionWriter, i32, type Local } from './wat.ts';

/** A weight matrix `[outputs][inputs]`, row by row. */
export interface Shape {
  readonly outputs: number;
  readonly inputs: number;
}

/** How many vectors one register tile spans at the most. */
export const maxTileVectors = 2;

/**
 * Rows of a register tile for a number of vectors of columns. 12 sums reach 59 GFLOP/s where 8, as many as FMA latency ×
 * throughput, reach 55; more no longer fit into 16 registers with what is multiplied.
 */
const tileRows = [0, 8, 6];

/** Few: more code than the first-level cache holds costs more than the turns of a loop. */
const unroll = 2;

/** What happens to a product before it is stored. */
export type Finish = 'plain' | 'residual' | 'relu' | 'relu-gradient';

/** Which way a matrix is used: from inputs to outputs, or, transposed, from outputs' gradients to inputs' gradients. */
export type Direction = 'forward' | 'backward';

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
  const columns = acc[0].map((_, column) => f.let('v128', 'b', v.load(b(column))));
  for (const [row, accRow] of acc.entries()) {
    const factor = f.let('v128', 'a', v.splat(a(row)));
    for (const [column, cell] of accRow.entries()) f.set(cell, v.madd(factor.get, columns[column].get, cell.get));
  }
}

/**
 * `name(w, x, y, extra)`: y = W x over `vectors` vectors of columns, or y = Wᵀ x if `direction` is `backward`. With
 * `residual`, `extra` is added to y; with `relu`, negative results become zero; with `relu-gradient`, y is zero wherever
 * `extra`, relu's output of the same shape, is zero.
 */
export function linear(
  name: string,
  v: Vector,
  l: Layout,
  { outputs, inputs }: Shape,
  direction: Direction,
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
  const lengthwise = { count: inputs, bytes: v.elementBytes };
  const downward = { count: outputs, bytes: inputs * v.elementBytes };
  const [results, terms] = direction === 'forward' ? [downward, lengthwise] : [lengthwise, downward];
  const vectorBytes = v.lanes * v.elementBytes;
  const [wi, xi] = [f.local('i32', 'wi'), f.local('i32', 'xi')];
  const zero = f.let('v128', 'zero', v.constant(0));
  const moving: [Local, number][] = [
    [w, results.bytes],
    [y, l.strideBytes],
  ];
  if (finish === 'residual' || finish === 'relu-gradient') moving.push([extra, l.strideBytes]);
  overTiles(f, results.count, tileRows[vectors], moving, (rows) => {
    const cell = (row: number, column: number) => row * l.strideBytes + column * vectorBytes;
    const acc = accumulators(f, rows, vectors, (row, column) =>
      finish === 'residual' ? v.load(at(extra, cell(row, column))) : zero.get,
    );
    f.set(wi, w.get);
    f.set(xi, x.get);
    f.unrolled(
      terms.count,
      unroll,
      [
        { pointer: wi, bytes: terms.bytes },
        { pointer: xi, bytes: l.strideBytes },
      ],
      (copy) =>
        outerProduct(
          f,
          v,
          acc,
          (row) => at(wi, row * results.bytes + copy * terms.bytes),
          (column) => at(xi, copy * l.strideBytes + column * vectorBytes),
        ),
    );
    const finished = (value: Local, place: number) => {
      if (finish === 'relu') return v.max(zero.get, value.get);
      if (finish === 'relu-gradient') return v.where(v.greater(v.load(at(extra, place)), zero.get), value.get);
      return value.get;
    };
    for (const [row, accRow] of acc.entries())
      for (const [column, value] of accRow.entries()) {
        const place = cell(row, column);
        f.do(v.store(at(y, place), finished(value, place)));
      }
  });
  return f.text();
}

/**
 * `name(w, x, y, extra, vectors)`: a product over any number of vectors of columns, as many at a time as a
 * register tile spans.
 */
export function overColumnVectors(name: string, v: Vector, tile: (vectors: number) => string): string {
  const f = new FunctionWriter(name);
  const w = f.parameter('i32', 'w');
  const moving = ['x', 'y', 'extra'].map((parameter) => f.parameter('i32', parameter));
  const left = f.parameter('i32', 'vectors');
  const pointers = [w, ...moving].map((pointer) => pointer.get);
  const tileBytes = maxTileVectors * v.lanes * v.elementBytes;
  f.do('(block $done');
  f.do('(loop $next');
  for (let vectors = 1; vectors < maxTileVectors; vectors++)
    f.do(`(if (i32.eq ${left.get} (i32.const ${vectors})) (then ${call(tile(vectors), ...pointers)} (br $done)))`);
  f.do(call(tile(maxTileVectors), ...pointers));
  for (const pointer of moving) f.advance(pointer, tileBytes);
  f.set(left, i32.sub(left.get, i32.constant(maxTileVectors)));
  f.do(`(br_if $next ${left.get})))`);
  return f.text();
}
