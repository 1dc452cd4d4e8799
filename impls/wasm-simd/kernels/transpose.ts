import type { Layout } from './layout.ts';
import type { Vector } from './vector.ts';
import { at, FunctionWriter } from './wat.ts';

/** Number of vectors of features side by side in a panel; one tile of a weight gradient reads as many. */
export function panelVectors(v: Vector, { model }: Layout): 1 | 2 {
  return (model.nEmbd / v.lanes) % 2 === 0 ? 2 : 1;
}

/**
 * `toPanels(from, to, vectors)`: copies `[nEmbd][column]` to panels `[panel][column][feature of the panel]`, so that a weight
 * gradient reads them in order. A panel has room for all columns.
 */
export function toPanels(v: Vector, l: Layout): string {
  const f = new FunctionWriter('toPanels');
  const [from, to, vectors] = [f.parameter('i32', 'from'), f.parameter('i32', 'to'), f.parameter('i32', 'vectors')];
  const vectorBytes = v.lanes * v.elementBytes;
  const across = panelVectors(v, l);
  const panelBytes = across * vectorBytes * l.columnCapacity;
  const [a, b] = [f.local('i32', 'a'), f.local('i32', 'b')];
  f.loop(
    vectors,
    [
      { pointer: from, bytes: l.recordBytes },
      { pointer: to, bytes: across * vectorBytes * v.lanes },
    ],
    () => {
      f.set(a, from.get);
      f.set(b, to.get);
      f.unrolled(
        l.model.nEmbd / v.lanes / across,
        4 / across,
        [
          { pointer: a, bytes: l.strideBytes * v.lanes * across },
          { pointer: b, bytes: panelBytes },
        ],
        (copy) => {
          for (let half = 0; half < across; half++) {
            const rows = Array.from({ length: v.lanes }, (_, row) =>
              f.let('v128', 'row', v.load(at(a, ((copy * across + half) * v.lanes + row) * l.strideBytes))),
            );
            for (const [column, place] of v.transpose(f, rows).entries())
              f.do(v.store(at(b, copy * panelBytes + (column * across + half) * vectorBytes), place.get));
          }
        },
      );
    },
  );
  return f.text();
}
