import type { Layout } from './layout.ts';
import type { Vector } from './vector.ts';
import { at, FunctionWriter, i32 } from './wat.ts';

const unroll = 8;

/** `embed(positions, vectors)`: embeddingRows[t] = wte[token t] + wpe[t], and zero in the lanes that pad the last vector. */
export function embed(v: Vector, l: Layout): string {
  const f = new FunctionWriter('embed');
  const [positions, vectors] = [f.parameter('i32', 'positions'), f.parameter('i32', 'vectors')];
  const rowBytes = l.model.nEmbd * v.elementBytes;
  const vectorBytes = v.lanes * v.elementBytes;
  const token = f.let('i32', 'token', i32.constant(l.tokens));
  const wpe = f.let('i32', 'wpe', i32.constant(l.wpe));
  const to = f.let('i32', 'to', i32.constant(l.embeddingRows));
  const [wte, a, b] = [f.local('i32', 'wte'), f.local('i32', 'a'), f.local('i32', 'b')];
  f.loop(
    positions,
    [
      { pointer: token, bytes: 4 },
      { pointer: wpe, bytes: rowBytes },
      { pointer: to, bytes: rowBytes },
    ],
    () => {
      f.set(wte, i32.add(i32.mul(i32.load(at(token)), i32.constant(rowBytes)), i32.constant(l.parameters)));
      f.set(a, wpe.get);
      f.set(b, to.get);
      f.unrolled(
        l.model.nEmbd / v.lanes,
        unroll,
        [wte, a, b].map((pointer) => ({ pointer, bytes: vectorBytes })),
        (copy) => {
          const place = copy * vectorBytes;
          f.do(v.store(at(b, place), v.add(v.load(at(wte, place)), v.load(at(a, place)))));
        },
      );
    },
  );
  const padding = f.let('i32', 'padding', i32.sub(i32.mul(vectors.get, i32.constant(v.lanes)), positions.get));
  f.do(`(if ${padding.get} (then`);
  f.loop(padding, [{ pointer: to, bytes: rowBytes }], () => {
    f.set(b, to.get);
    f.unrolled(l.model.nEmbd / v.lanes, unroll, [{ pointer: b, bytes: vectorBytes }], (copy) =>
      f.do(v.store(at(b, copy * vectorBytes), v.constant(0))),
    );
  });
  f.do('))');
  return f.text();
}

/** `embedGradient(positions)`: adds row t of embeddingRows, now the gradient, to the stored gradients of wte[token t] and wpe[t]. */
export function embedGradient(v: Vector, l: Layout): string {
  const f = new FunctionWriter('embedGradient');
  const positions = f.parameter('i32', 'positions');
  const rowBytes = l.model.nEmbd * v.elementBytes;
  const vectorBytes = v.lanes * v.elementBytes;
  const token = f.let('i32', 'token', i32.constant(l.tokens));
  const wpe = f.let('i32', 'wpe', i32.constant(l.wpe + l.toGradient));
  const from = f.let('i32', 'from', i32.constant(l.embeddingRows));
  const [wte, a, b] = [f.local('i32', 'wte'), f.local('i32', 'a'), f.local('i32', 'b')];
  f.loop(
    positions,
    [
      { pointer: token, bytes: 4 },
      { pointer: wpe, bytes: rowBytes },
      { pointer: from, bytes: rowBytes },
    ],
    () => {
      f.set(
        wte,
        i32.add(i32.mul(i32.load(at(token)), i32.constant(rowBytes)), i32.constant(l.parameters + l.toGradient)),
      );
      f.set(a, wpe.get);
      f.set(b, from.get);
      f.unrolled(
        l.model.nEmbd / v.lanes,
        unroll,
        [wte, a, b].map((pointer) => ({ pointer, bytes: vectorBytes })),
        (copy) => {
          const place = copy * vectorBytes;
          const row = f.let('v128', 'row', v.load(at(b, place)));
          f.do(v.store(at(wte, place), v.add(v.load(at(wte, place)), row.get)));
          f.do(v.store(at(a, place), v.add(v.load(at(a, place)), row.get)));
        },
      );
    },
  );
  return f.text();
}

/** `clearEmbeddingGradient()`: what {@link embedGradient} adds to starts from zero. */
export function clearEmbeddingGradient(v: Vector, l: Layout): string {
  const f = new FunctionWriter('clearEmbeddingGradient');
  const vectorBytes = v.lanes * v.elementBytes;
  const g = f.let('i32', 'g', i32.constant(l.parameters + l.toGradient));
  const vectors = ((l.model.vocabSize + l.model.blockSize) * l.model.nEmbd) / v.lanes;
  f.unrolled(vectors, unroll, [{ pointer: g, bytes: vectorBytes }], (copy) =>
    f.do(v.store(at(g, copy * vectorBytes), v.constant(0))),
  );
  return f.text();
}
