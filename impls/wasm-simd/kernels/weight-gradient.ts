import { type AdamConstants, loadAdamConstants, moveParameters, root, updateMoments } from './adam.ts';
import { type Layout, toColumn } from './layout.ts';
import { accumulators, outerProduct } from './linear.ts';
import { panelVectors } from './transpose.ts';
import { type Vector, vectorsOf } from './vector.ts';
import { type Address, ahead, at, FunctionWriter, i32, type Local } from './wat.ts';

/** How a weight gradient starts and ends: a batch sums it over its documents and updates after the last. */
export interface GradientFlow {
  readonly start: 'zero' | 'stored';
  readonly end: 'stored' | 'adam';
}

/** A batch has many columns, so that a loop over a tile's rows can update some parameters of a row after every few columns. */
function hasManyColumns(l: Layout): boolean {
  return l.columnCapacity >= 64;
}

/**
 * Rows of a tile of a weight gradient. A tile has 8 sums, FMA latency × throughput, or in float64 over many columns 12,
 * which hide more of the latency.
 */
export function tileHeight(v: Vector, l: Layout): number {
  return (v.precision === 'float64' && hasManyColumns(l) ? 12 : 8) / panelVectors(v, l);
}

/**
 * `name(w, factors, panels, columns, groups)`: for `groups` groups of `rows` rows of a matrix `[rows][nEmbd]`,
 * dW[r][e] = Σ_c a[r][c] · b[e][c], summed in registers. a is dy and b is x, or, if the matrix is stored transposed, a is x and b
 * is dy. `factors` is a, and `panels` is b as {@link toPanels} writes it. With `end: 'adam'` the moments are updated from these
 * sums, and the parameters one tile later: their roots and divisions are spread among the products of the next tile. The divider limits Adam,
 * so it must never be idle, and a processor does not look far enough ahead to keep it busy by itself. The last tile is updated
 * by the next call, for any matrix, or by `name.finish()`. dy must be zero from the last column to the end of its vector.
 */
export function weightGradient(name: string, v: Vector, l: Layout, rows: number, flow: GradientFlow): string {
  const f = new FunctionWriter(name);
  const [w, factors, panels, columns] = [
    f.parameter('i32', 'w'),
    f.parameter('i32', 'factors'),
    f.parameter('i32', 'panels'),
    f.parameter('i32', 'columns'),
  ];
  const groups = f.parameter('i32', 'groups');
  // So many columns are unrolled; further ones take a loop. Few names have more than 8 positions.
  const unrolledColumns = 8;
  const manyColumns = hasManyColumns(l);
  const c = loadAdamConstants(f, v, l);
  const rowBytes = l.model.nEmbd * v.elementBytes;
  const vectorBytes = v.lanes * v.elementBytes;
  const across = panelVectors(v, l);
  const acrossBytes = across * vectorBytes;
  const [wi, panel, b, a] = ['wi', 'panel', 'b', 'a'].map((name) => f.local('i32', name));
  const pending = f.local('i32', 'pending');
  const [left, further] = [f.local('i32', 'left'), f.local('i32', 'further')];
  if (!manyColumns) f.set(further, i32.sub(vectorsOf(v, columns.get), i32.constant(unrolledColumns / v.lanes)));

  const cells = Array.from(
    { length: rows * across },
    (_, index) => Math.floor(index / across) * rowBytes + (index % across) * vectorBytes,
  );
  const places = cells.map((bytes) => at(pending, bytes));
  const update = flow.end === 'adam' && !manyColumns ? new StrewnUpdate(f, v, l, c, places) : undefined;
  const global = `$${name}.pending`;
  if (flow.end === 'adam') f.set(pending, `(global.get ${global})`);
  /** Updates the tile before this one, vector by vector, with `work` between a vector's root and its division. */
  const updateAmong = (work: () => void) => {
    const row = f.let('i32', 'row', pending.get);
    f.loop(rows, [{ pointer: row, bytes: rowBytes }], () => {
      for (let vector = 0; vector < across; vector++) {
        const place = at(row, vector * vectorBytes);
        const rootOfSecond = f.let('v128', 'root', root(v, l, place));
        work();
        moveParameters(f, v, l, c, place, rootOfSecond.get);
      }
    });
  };
  const tile = () => {
    const acc = accumulators(f, rows, across, (row, vector) =>
      flow.start === 'stored' ? v.load(at(wi, cells[row * across + vector] + l.toGradient)) : c.floor.get,
    );
    const product = (column: number) =>
      outerProduct(
        f,
        v,
        acc,
        (row) => at(ahead(a, toColumn(v, l, column)), row * l.strideBytes),
        (vector) => at(b, vector * vectorBytes + column * acrossBytes),
      );
    f.set(b, panel.get);
    f.set(a, factors.get);
    const pass = (passed: number) => {
      f.advance(b, passed * acrossBytes);
      f.advance(a, toColumn(v, l, passed));
    };
    if (manyColumns) {
      f.set(left, columns.get);
      if (flow.end === 'adam')
        updateAmong(() => {
          f.do(`(if (i32.ge_s ${left.get} (i32.const 4)) (then`);
          for (let column = 0; column < 4; column++) product(column);
          pass(4);
          f.advance(left, -4);
          f.do('))');
        });
      f.set(further, vectorsOf(v, left.get));
    } else {
      update?.begin(cells.length * (unrolledColumns + momentProducts));
      for (let column = 0; column < unrolledColumns; column++) {
        // The first vector of columns is always whole.
        if (column >= v.lanes) f.do(`(if (i32.gt_u ${columns.get} (i32.const ${column})) (then`);
        product(column);
        if (column >= v.lanes) f.do('))');
        update?.after(cells.length);
      }
    }
    f.do(`(if (i32.gt_s ${further.get} (i32.const 0)) (then`);
    if (!manyColumns) {
      pass(unrolledColumns);
      f.set(left, i32.sub(columns.get, i32.constant(unrolledColumns)));
    }
    const moving = [
      { pointer: b, bytes: v.lanes * acrossBytes },
      { pointer: a, bytes: l.recordBytes },
    ];
    f.loop(further, moving, () => {
      for (let lane = 0; lane < v.lanes; lane++) {
        // Among many columns, padding costs less than to ask for it.
        const mayBePadding = !manyColumns && lane > 0;
        if (mayBePadding) f.do(`(if (i32.gt_s ${left.get} (i32.const ${lane})) (then`);
        product(lane);
        if (mayBePadding) f.do('))');
      }
      if (!manyColumns) f.advance(left, -v.lanes);
    });
    f.do('))');
    for (const [index, g] of acc.flat().entries()) {
      if (flow.end === 'stored') f.do(v.store(at(wi, cells[index] + l.toGradient), g.get));
      else {
        updateMoments(f, v, l, c, at(wi, cells[index]), g);
        update?.after(momentProducts);
      }
    }
    update?.finish();
    f.set(pending, wi.get);
  };
  f.loop(
    groups,
    [
      { pointer: w, bytes: rowBytes * rows },
      { pointer: factors, bytes: l.strideBytes * rows },
    ],
    () => {
      f.set(wi, w.get);
      f.set(panel, panels.get);
      f.loop(
        rowBytes / acrossBytes,
        [
          { pointer: wi, bytes: acrossBytes },
          { pointer: panel, bytes: acrossBytes * l.columnCapacity },
        ],
        tile,
      );
    },
  );
  if (flow.end === 'stored') return f.text();
  f.do(`(global.set ${global} ${pending.get})`);

  const finish = new FunctionWriter(`${name}.finish`);
  const constants = loadAdamConstants(finish, v, l);
  const last = finish.let('i32', 'last', `(global.get ${global})`);
  const lastUpdate = new StrewnUpdate(
    finish,
    v,
    l,
    constants,
    cells.map((bytes) => at(last, bytes)),
  );
  lastUpdate.finish();
  finish.do(`(global.set ${global} (i32.const ${l.noTile}))`);
  return `(global ${global} (mut i32) (i32.const ${l.noTile})) ${f.text()} ${finish.text()}`;
}

/** Multiply-adds of {@link updateMoments}. */
const momentProducts = 3;

/** Adam's second half for the parameters at `places`: a root and a division each, spread evenly over other work. */
class StrewnUpdate {
  readonly #f: FunctionWriter;
  readonly #v: Vector;
  readonly #l: Layout;
  readonly #c: AdamConstants;
  readonly #places: readonly Address[];
  /** The latest root. Its division follows one slot later, when the root is ready. */
  readonly #root: Local;
  #work = 0;
  #done = 0;
  #next = 0;

  constructor(f: FunctionWriter, v: Vector, l: Layout, c: AdamConstants, places: readonly Address[]) {
    this.#f = f;
    this.#v = v;
    this.#l = l;
    this.#c = c;
    this.#places = places;
    this.#root = f.local('v128', 'root');
  }

  /** Spreads this update over the next `work` multiply-adds. */
  begin(work: number): void {
    this.#work = work;
    this.#done = 0;
    this.#next = 0;
  }

  /** Tells that `work` more multiply-adds are written. */
  after(work: number): void {
    this.#done += work;
    const due = Math.floor((this.#done / this.#work) * this.#places.length + 0.5);
    while (this.#next < Math.min(due, this.#places.length)) this.#slot();
  }

  finish(): void {
    while (this.#next <= this.#places.length) this.#slot();
  }

  #slot(): void {
    const before = this.#places[this.#next - 1];
    const place = this.#places[this.#next++];
    if (before !== undefined) moveParameters(this.#f, this.#v, this.#l, this.#c, before, this.#root.get);
    if (place !== undefined) this.#f.set(this.#root, root(this.#v, this.#l, place));
  }
}
