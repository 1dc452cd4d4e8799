import type { Layout } from './layout.ts';
import type { Vector } from './vector.ts';
import { type Address, at, call, type Expression, FunctionWriter, i32, type Local, type Moving } from './wat.ts';

/** The most vectors that one register tile spans. */
export const maxTileVectors = 2;

/**
 * Rows of a register tile, by its number of vectors of columns. 8 sums are FMA latency × throughput and reach 55 GFLOP/s;
 * 12 sums reach 59. More sums do not fit into 16 registers together with their operands.
 */
const tileRows = [0, 8, 6];

/** What happens to a product before it is stored. */
export type Finish = 'plain' | 'residual' | 'relu' | 'relu-gradient';

/** How a matrix `[rows][nEmbd]` is used: sums along its rows, y = W x, or down its columns, y = Wᵀ x. */
export type Direction = 'along' | 'down';

/** Some rows of a product, in groups of as many rows as a register tile has. */
interface Band {
  readonly from: number;
  readonly rows: number;
  readonly groups: number;
}

/** The rows of a product: as many high tiles as fit, and the rest in one lower tile. */
function bandsOf(count: number, vectors: number): Band[] {
  const rows = tileRows[vectors];
  const groups = Math.floor(count / rows);
  const high = { from: 0, rows, groups };
  const low = { from: groups * rows, rows: count - groups * rows, groups: 1 };
  return [high, low].filter((band) => band.rows * band.groups > 0);
}

/** Distances in a matrix, in numbers and in bytes: from one result of a product to the next, and from one term of its sums to the next. */
function stepsOf(v: Vector, l: Layout, rows: number, direction: Direction) {
  const { nEmbd } = l.model;
  const along = { count: nEmbd, bytes: v.elementBytes };
  const down = { count: rows, bytes: nEmbd * v.elementBytes };
  const [results, terms] = direction === 'along' ? [down, along] : [along, down];
  return { results, terms };
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

/** acc[row][column] += a[row] · b[column]. Each a is in all lanes. */
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
 * `name(w, x, y, extra, groups, furtherTerms)`: computes `groups` groups of `rows` rows of y = W x, or of y = Wᵀ x if
 * `direction` is `down`, over `vectors` vectors of columns. Each result is a sum of one term and `furtherTerms` more. With
 * `residual`, `extra` is added to y. With `relu`, negative results become zero. With `relu-gradient`, y is zero wherever `extra`,
 * relu's output of the same shape, is zero. One function serves all matrices.
 */
export function productTiles(
  name: string,
  v: Vector,
  l: Layout,
  direction: Direction,
  rows: number,
  vectors: number,
  finish: Finish,
): string {
  const f = new FunctionWriter(name);
  const [w, x, y, extra, groups, furtherTerms] = ['w', 'x', 'y', 'extra', 'groups', 'furtherTerms'].map((parameter) =>
    f.parameter('i32', parameter),
  );
  const { results, terms } = stepsOf(v, l, rows, direction);
  const [wi, xi] = [f.local('i32', 'wi'), f.local('i32', 'xi')];
  const zero = f.let('v128', 'zero', v.constant(0));
  const moving: Moving[] = [
    { pointer: w, bytes: results.bytes * rows },
    { pointer: y, bytes: l.strideBytes * rows },
  ];
  if (finish === 'residual' || finish === 'relu-gradient') moving.push({ pointer: extra, bytes: l.strideBytes * rows });
  f.loop(groups, moving, () => {
    const cell = (row: number, column: number) => row * l.strideBytes + column * l.recordBytes;
    const acc = accumulators(f, rows, vectors, (row, column) =>
      finish === 'residual' ? v.load(at(extra, cell(row, column))) : zero.get,
    );
    f.set(wi, w.get);
    f.set(xi, x.get);
    const along = [
      { pointer: wi, bytes: terms.bytes },
      { pointer: xi, bytes: l.strideBytes },
    ];
    const term = () =>
      outerProduct(
        f,
        v,
        acc,
        (row) => at(wi, row * results.bytes),
        (column) => at(xi, column * l.recordBytes),
      );
    // V8 needs an instruction to add the offset of a splat. It adds once, for the first term; the loop uses the same sums.
    term();
    for (const { pointer, bytes } of along) f.advance(pointer, bytes);
    f.do(`(if ${furtherTerms.get} (then`);
    f.loop(furtherTerms, along, term);
    f.do('))');
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
 * `name(w, x, y, extra, vectors)`: a product with a matrix of `rows` rows, over any number of vectors of columns, as many at a
 * time as a register tile spans. `tiles` gives the name of the {@link productTiles} for a height and width.
 */
export function product(
  name: string,
  v: Vector,
  l: Layout,
  rows: number,
  direction: Direction,
  tiles: (height: number, vectors: number) => string,
): string {
  const f = new FunctionWriter(name);
  const w = f.parameter('i32', 'w');
  const [x, y, extra] = ['x', 'y', 'extra'].map((parameter) => f.parameter('i32', parameter));
  const left = f.parameter('i32', 'vectors');
  const { results, terms } = stepsOf(v, l, rows, direction);
  const over = (vectors: number) => {
    for (const { from, rows: height, groups } of bandsOf(results.count, vectors)) {
      const below = (pointer: Local, bytes: number) => i32.add(pointer.get, i32.constant(from * bytes));
      const pointers = [below(w, results.bytes), x.get, below(y, l.strideBytes), below(extra, l.strideBytes)];
      f.do(call(tiles(height, vectors), ...pointers, groups, terms.count - 1));
    }
  };
  f.do('(block $done');
  f.do('(loop $next');
  for (let vectors = 1; vectors < maxTileVectors; vectors++) {
    f.do(`(if (i32.eq ${left.get} (i32.const ${vectors})) (then`);
    over(vectors);
    f.do('(br $done)))');
  }
  over(maxTileVectors);
  for (const pointer of [x, y, extra]) f.advance(pointer, maxTileVectors * l.recordBytes);
  f.set(left, i32.sub(left.get, i32.constant(maxTileVectors)));
  f.do(`(br_if $next ${left.get})))`);
  return f.text();
}
