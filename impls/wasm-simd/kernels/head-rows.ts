import { headStrides, type Layout } from './layout.ts';
import type { Vector } from './vector.ts';
import { type Address, at, type FunctionWriter, i32, type Local } from './wat.ts';

/** The place of a lane's feature before and after the turn. `feature` has four columns or two, `row` as many heads. */
interface Places {
  readonly feature: Address;
  readonly row: Address;
}

/** What is turned, and where it lies. */
interface Turn {
  readonly heads: number;
  readonly blocks: number;
  /** `blocks` matrices `[block][head][headDim][column]`. */
  readonly features: Local;
  /** `[column][group][block][headDim]`, where the heads of a group are the lanes. */
  readonly rows: Local;
  readonly vectors: Local;
}

/** Visits the squares of features and of their rows. */
function overSquares(
  f: FunctionWriter,
  v: Vector,
  l: Layout,
  { heads, blocks, features, rows, vectors }: Turn,
  body: (lanes: readonly Places[]) => void,
): void {
  const { headDim, groups, vectorBytes } = headStrides(l.model, v, heads);
  const rowBytes = groups * blocks * headDim * vectorBytes;
  const [columns, ofColumns] = [f.let('i32', 'columns', features.get), f.let('i32', 'ofColumns', rows.get)];
  const nextColumns = [
    { pointer: columns, bytes: l.recordBytes },
    { pointer: ofColumns, bytes: rowBytes * v.lanes },
  ];
  f.loop(vectors, nextColumns, () => {
    for (let piece = 0; piece < groups * blocks; piece++) {
      const [first, block] = [Math.floor(piece / blocks) * v.lanes, piece % blocks];
      const feature = f.let('i32', 'feature', columns.get);
      const row = f.let('i32', 'row', i32.add(ofColumns.get, i32.constant(piece * headDim * vectorBytes)));
      const nextFeature = [
        { pointer: feature, bytes: l.strideBytes },
        { pointer: row, bytes: vectorBytes },
      ];
      f.unrolled(headDim, 4, nextFeature, (copy) => {
        const lanes = Array.from({ length: v.lanes }, (_, lane): Places => {
          // A lane without a head repeats the group's first: it computes and writes the same.
          const head = block * l.model.nHead + (first + lane < heads ? first + lane : first);
          return {
            feature: at(feature, (head * headDim + copy) * l.strideBytes),
            row: at(row, lane * rowBytes + copy * vectorBytes),
          };
        });
        body(lanes);
      });
    }
  });
}

/** Writes features as rows of heads. */
export function toRows(f: FunctionWriter, v: Vector, l: Layout, turn: Turn): void {
  overSquares(f, v, l, turn, (lanes) => {
    const square = lanes.map(({ feature }) => f.let('v128', 'square', v.load(feature)));
    for (const [lane, ofColumn] of v.transpose(f, square).entries()) f.do(v.store(lanes[lane].row, ofColumn.get));
  });
}

/** Writes rows of heads as features. */
export function fromRows(f: FunctionWriter, v: Vector, l: Layout, turn: Turn): void {
  overSquares(f, v, l, turn, (lanes) => {
    const square = lanes.map(({ row }) => f.let('v128', 'square', v.load(row)));
    for (const [lane, ofHead] of v.transpose(f, square).entries()) f.do(v.store(lanes[lane].feature, ofHead.get));
  });
}
