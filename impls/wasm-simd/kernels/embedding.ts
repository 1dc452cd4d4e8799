import type { Layout } from './layout.ts';
import type { Vector } from './vector.ts';
import { at, FunctionWriter, i32, type Local } from './wat.ts';

const unroll = 4;

/** Visits the vectors of columns. For each lane `body` gets its rows of wte and wpe, `toRow` bytes further on. */
function overColumnRows(
  f: FunctionWriter,
  v: Vector,
  l: Layout,
  vectors: Local,
  column: Local,
  toRow: number,
  body: (token: readonly Local[], position: readonly Local[]) => void,
) {
  const lanes = Array.from({ length: v.lanes }, (_, lane) => lane);
  const tokenRows = f.let('i32', 'tokenRows', i32.constant(l.tokenRows));
  const positionRows = f.let('i32', 'positionRows', i32.constant(l.positionRows));
  const [token, position] = ['token', 'position'].map((name) => lanes.map(() => f.local('i32', name)));
  f.loop(
    vectors,
    [
      { pointer: column, bytes: l.recordBytes },
      { pointer: tokenRows, bytes: v.lanes * 4 },
      { pointer: positionRows, bytes: v.lanes * 4 },
    ],
    () => {
      for (const lane of lanes) {
        f.set(token[lane], i32.add(i32.load(at(tokenRows, lane * 4)), i32.constant(toRow)));
        f.set(position[lane], i32.add(i32.load(at(positionRows, lane * 4)), i32.constant(toRow)));
      }
      body(token, position);
    },
  );
}

/** `embed(to, vectors)`: to[column] = wte[token] + wpe[position]. */
export function embed(v: Vector, l: Layout): string {
  const f = new FunctionWriter('embed');
  const [to, vectors] = [f.parameter('i32', 'to'), f.parameter('i32', 'vectors')];
  const vectorBytes = v.lanes * v.elementBytes;
  const below = f.local('i32', 'below');
  overColumnRows(f, v, l, vectors, to, 0, (token, position) => {
    f.set(below, to.get);
    const moving = [
      ...[...token, ...position].map((pointer) => ({ pointer, bytes: vectorBytes })),
      { pointer: below, bytes: v.lanes * l.strideBytes },
    ];
    f.unrolled(l.model.nEmbd / v.lanes, unroll, moving, (copy) => {
      const place = copy * vectorBytes;
      const rows = token.map((row, lane) =>
        f.let('v128', 'row', v.add(v.load(at(row, place)), v.load(at(position[lane], place)))),
      );
      for (const [row, feature] of v.transpose(f, rows).entries())
        f.do(v.store(at(below, (copy * v.lanes + row) * l.strideBytes), feature.get));
    });
  });
  return f.text();
}

/** `embedGradient(from, vectors)`: adds each column of the gradient to the stored gradients of its rows of wte and wpe. */
export function embedGradient(v: Vector, l: Layout): string {
  const f = new FunctionWriter('embedGradient');
  const [from, vectors] = [f.parameter('i32', 'from'), f.parameter('i32', 'vectors')];
  const vectorBytes = v.lanes * v.elementBytes;
  const below = f.local('i32', 'below');
  overColumnRows(f, v, l, vectors, from, l.toGradient, (token, position) => {
    f.set(below, from.get);
    const moving = [
      ...[...token, ...position].map((pointer) => ({ pointer, bytes: vectorBytes })),
      { pointer: below, bytes: v.lanes * l.strideBytes },
    ];
    f.unrolled(l.model.nEmbd / v.lanes, unroll, moving, (copy) => {
      const features = token.map((_, row) =>
        f.let('v128', 'feature', v.load(at(below, (copy * v.lanes + row) * l.strideBytes))),
      );
      for (const [lane, gradient] of v.transpose(f, features).entries())
        for (const pointer of [token[lane], position[lane]]) {
          const place = at(pointer, copy * vectorBytes);
          f.do(v.store(place, v.add(v.load(place), gradient.get)));
        }
    });
  });
  return f.text();
}
