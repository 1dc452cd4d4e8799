import type { Layout } from './layout.ts';
import type { Vector } from './vector.ts';
import { at, FunctionWriter } from './wat.ts';

/** `name(from, to, vectors)`: `[feature][position]` to rows `[position][feature]`. */
export function toRows(name: string, v: Vector, l: Layout, features: number): string {
  const f = new FunctionWriter(name);
  const [from, to, vectors] = [f.parameter('i32', 'from'), f.parameter('i32', 'to'), f.parameter('i32', 'vectors')];
  const rowBytes = features * v.elementBytes;
  const vectorBytes = v.lanes * v.elementBytes;
  const [a, b] = [f.local('i32', 'a'), f.local('i32', 'b')];
  f.loop(
    vectors,
    [
      { pointer: from, bytes: vectorBytes },
      { pointer: to, bytes: rowBytes * v.lanes },
    ],
    () => {
      f.set(a, from.get);
      f.set(b, to.get);
      f.unrolled(
        features / v.lanes,
        4,
        [
          { pointer: a, bytes: l.strideBytes * v.lanes },
          { pointer: b, bytes: vectorBytes },
        ],
        (copy) => {
          const rows = Array.from({ length: v.lanes }, (_, row) =>
            f.let('v128', 'row', v.load(at(a, (copy * v.lanes + row) * l.strideBytes))),
          );
          for (const [row, column] of v.transpose(f, rows).entries())
            f.do(v.store(at(b, row * rowBytes + copy * vectorBytes), column.get));
        },
      );
    },
  );
  return f.text();
}

/** `name(from, to, vectors)`: rows `[position][feature]` to `[feature][position]`. */
export function fromRows(name: string, v: Vector, l: Layout, features: number): string {
  const f = new FunctionWriter(name);
  const [from, to, vectors] = [f.parameter('i32', 'from'), f.parameter('i32', 'to'), f.parameter('i32', 'vectors')];
  const rowBytes = features * v.elementBytes;
  const vectorBytes = v.lanes * v.elementBytes;
  const [a, b] = [f.local('i32', 'a'), f.local('i32', 'b')];
  f.loop(
    vectors,
    [
      { pointer: from, bytes: rowBytes * v.lanes },
      { pointer: to, bytes: vectorBytes },
    ],
    () => {
      f.set(a, from.get);
      f.set(b, to.get);
      f.unrolled(
        features / v.lanes,
        4,
        [
          { pointer: a, bytes: vectorBytes },
          { pointer: b, bytes: l.strideBytes * v.lanes },
        ],
        (copy) => {
          const rows = Array.from({ length: v.lanes }, (_, row) =>
            f.let('v128', 'row', v.load(at(a, row * rowBytes + copy * vectorBytes))),
          );
          for (const [row, column] of v.transpose(f, rows).entries())
            f.do(v.store(at(b, (copy * v.lanes + row) * l.strideBytes), column.get));
        },
      );
    },
  );
  return f.text();
}
