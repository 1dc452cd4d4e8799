import { type AdamConstants, loadAdamConstants, moveParameters, root, updateMoments } from './adam.ts';
import type { Layout } from './layout.ts';
import { accumulators, outerProduct, type Shape } from './linear.ts';
import type { Vector } from './vector.ts';
import { type Address, at, FunctionWriter, i32, type Local } from './wat.ts';

/** Where a weight gradient starts and where it goes: a batch gathers it over its documents and updates after the last. */
export interface GradientFlow {
  readonly start: 'zero' | 'stored';
  readonly end: 'stored' | 'adam';
}

/** Positions written one after the other; further ones take a loop. Nearly all names have no more. */
const unrolledPositions = 8;

/** Vectors side by side in a tile, and its rows: 8 sums, as many as FMA latency × throughput. */
const tileOf = ({ inputs }: Shape, v: Vector): { rows: number; columns: number } =>
  (inputs / v.lanes) % 2 === 0 ? { rows: 4, columns: 2 } : { rows: 8, columns: 1 };

/**
 * `name(w, dy, xRows, positions)`: dW[o][i] = Σ_t dy[o][t] · xRows[t][i], summed in registers. With `end: 'adam'` its
 * moments are updated from there, and the parameters one tile later: their roots and divisions are strewn among the
 * products of the next tile. A divider that is never idle is what bounds Adam, and a processor does not look far enough
 * ahead to keep it so by itself. dy is zero up to the end of the last vector of positions.
 */
export function weightGradient(name: string, v: Vector, l: Layout, shape: Shape, flow: GradientFlow): string {
  const f = new FunctionWriter(name);
  const [w, dy, xRows, positions] = [
    f.parameter('i32', 'w'),
    f.parameter('i32', 'dy'),
    f.parameter('i32', 'xRows'),
    f.parameter('i32', 'positions'),
  ];
  const c = loadAdamConstants(f, v, l);
  const rowBytes = shape.inputs * v.elementBytes;
  const vectorBytes = v.lanes * v.elementBytes;
  const { rows, columns } = tileOf(shape, v);
  const across = vectorBytes * columns;
  const [wi, xi, xt, dyt] = [f.local('i32', 'wi'), f.local('i32', 'xi'), f.local('i32', 'xt'), f.local('i32', 'dyt')];
  const pending = f.local('i32', 'pending');
  const further = f.let('i32', 'further', i32.sub(positions.get, i32.constant(unrolledPositions)));

  /** All tiles of `tileRows` rows from where the pointers stand; afterwards they stand below. */
  const band = (groups: number, tileRows: number) => {
    if (groups === 0) return;
    const cell = (index: number) => Math.floor(index / columns) * rowBytes + (index % columns) * vectorBytes;
    const cells = Array.from({ length: tileRows * columns }, (_, index) => cell(index));
    const update = new StrewnUpdate(
      f,
      v,
      l,
      c,
      cells.map((bytes) => at(pending, bytes)),
    );
    f.set(pending, i32.constant(l.noTile));
    const tile = () => {
      const acc = accumulators(f, tileRows, columns, (row, column) =>
        flow.start === 'stored' ? v.load(at(wi, cell(row * columns + column) + l.toGradient)) : c.floor.get,
      );
      const product = (t: number) =>
        outerProduct(
          f,
          v,
          acc,
          (row) => at(dyt, row * l.strideBytes + t * v.elementBytes),
          (column) => at(xt, column * vectorBytes + t * rowBytes),
        );
      f.set(xt, xi.get);
      f.set(dyt, dy.get);
      if (flow.end === 'adam') update.begin(cells.length * (unrolledPositions + momentProducts));
      for (let t = 0; t < unrolledPositions; t++) {
        // The first vector of positions is whole.
        if (t >= v.lanes) f.do(`(if (i32.gt_u ${positions.get} (i32.const ${t})) (then`);
        product(t);
        if (t >= v.lanes) f.do('))');
        if (flow.end === 'adam') update.after(cells.length);
      }
      f.do(`(if (i32.gt_s ${further.get} (i32.const 0)) (then`);
      f.advance(xt, unrolledPositions * rowBytes);
      f.advance(dyt, unrolledPositions * v.elementBytes);
      const moving = [
        { pointer: xt, bytes: rowBytes },
        { pointer: dyt, bytes: v.elementBytes },
      ];
      f.loop(further, moving, () => product(0));
      f.do('))');
      for (const [index, g] of acc.flat().entries()) {
        if (flow.end === 'stored') f.do(v.store(at(wi, cells[index] + l.toGradient), g.get));
        else {
          updateMoments(f, v, l, c, at(wi, cells[index]), g);
          update.after(momentProducts);
        }
      }
      if (flow.end === 'adam') update.finish();
      f.set(pending, wi.get);
    };
    f.loop(
      groups,
      [
        { pointer: w, bytes: rowBytes * tileRows },
        { pointer: dy, bytes: l.strideBytes * tileRows },
      ],
      () => {
        f.set(wi, w.get);
        f.set(xi, xRows.get);
        f.loop(
          rowBytes / across,
          [
            { pointer: wi, bytes: across },
            { pointer: xi, bytes: across },
          ],
          tile,
        );
      },
    );
    if (flow.end === 'stored') return;
    update.begin(0);
    update.finish();
  };
  band(Math.floor(shape.outputs / rows), rows);
  band(shape.outputs % rows === 0 ? 0 : 1, shape.outputs % rows);
  return f.text();
}

/** Multiply-adds of {@link updateMoments}. */
const momentProducts = 3;

/** Adam's second half for the parameters at `places`, a root and a division each, spread evenly over other work. */
class StrewnUpdate {
  readonly #f: FunctionWriter;
  readonly #v: Vector;
  readonly #l: Layout;
  readonly #c: AdamConstants;
  readonly #places: readonly Address[];
  /** The root of the place that comes next but one; its division follows a slot later, when it is there. */
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

  /** What follows is spread over `work` multiply-adds of something else. */
  begin(work: number): void {
    this.#work = work;
    this.#done = 0;
    this.#next = 0;
  }

  /** So much of the other work has been written since. */
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
