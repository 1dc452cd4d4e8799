import { type Layout, weightStrides } from './layout.ts';
import { type Vector, vectorsOf } from './vector.ts';
import { type Address, ahead, at, type Expression, FunctionWriter, i32, type Local, type Moving } from './wat.ts';

/**
 * Causal attention in squares. A square is one vector of query positions by as many key positions as a vector has lanes;
 * it is held as one vector per key. Only squares on and below the diagonal exist. On the diagonal, queries before the key
 * are masked.
 */
interface Squares {
  readonly headDim: number;
  readonly row: number;
  readonly vectorBytes: number;
  /** Distance from a head's queries to its keys and to its values, which are in the same matrix. */
  readonly toKeys: number;
  readonly toValues: number;
  /** Distance from one head to the next in activations. */
  readonly headBytes: number;
  readonly weights: ReturnType<typeof weightStrides>;
  readonly scale: number;
  /** The keys of a square: 0, 1, … */
  readonly keys: readonly number[];
}

function squares(v: Vector, l: Layout): Squares {
  const { nEmbd, nHead } = l.model;
  const headDim = nEmbd / nHead;
  return {
    headDim,
    row: l.strideBytes,
    vectorBytes: v.lanes * v.elementBytes,
    toKeys: nEmbd * l.strideBytes,
    toValues: 2 * nEmbd * l.strideBytes,
    headBytes: headDim * l.strideBytes,
    weights: weightStrides(l.model, v),
    scale: 1 / Math.sqrt(headDim),
    keys: Array.from({ length: v.lanes }, (_, key) => key),
  };
}

/** All bits set in the lanes of the queries that may see this key of a diagonal square. */
function seesKey(v: Vector, s: Squares, key: number): Expression {
  return v.laneMask(s.keys.map((query) => query >= key));
}

const evenly = (pointers: readonly Local[], bytes: number): Moving[] => pointers.map((pointer) => ({ pointer, bytes }));

/** Visits the query vectors in order; `before` is the number of squares left of the diagonal one. */
function overQueryVectors(f: FunctionWriter, vectors: Local, moving: readonly Moving[], body: (before: Local) => void) {
  const before = f.let('i32', 'before', i32.constant(0));
  f.loop(vectors, [...moving, { pointer: before, bytes: 1 }], () => body(before));
}

/** Visits the squares of a query vector, the diagonal one last. */
function overSquares(f: FunctionWriter, before: Local, moving: readonly Moving[], body: (diagonal: boolean) => void) {
  f.do(`(if ${before.get} (then`);
  f.loop(before, moving, () => body(false));
  f.do('))');
  body(true);
}

/**
 * Visits the heads of all documents. Pointers to activations are at the head's first feature and the document's first
 * column, `weights` is at the document's weights of that head.
 */
function overHeads(
  f: FunctionWriter,
  v: Vector,
  l: Layout,
  s: Squares,
  { heads, atOnce = 1, documents, weights, weightScale, features }: HeadPointers,
  body: (positions: Local, vectors: Local) => void,
) {
  const [positions, vectors] = [f.local('i32', 'positions'), f.local('i32', 'vectors')];
  const first = f.local('i32', 'first');
  const starts = [...features, weightScale].map(({ from }) => from);
  const pointers = [...features, weightScale].map(({ pointer }) => pointer);
  const table = f.let('i32', 'table', i32.constant(l.documents));
  const ofDocument: Moving[] = [
    { pointer: table, bytes: 8 },
    { pointer: weights.from, bytes: s.weights.document },
  ];
  f.loop(documents, ofDocument, () => {
    f.set(first, i32.load(at(table)));
    f.set(positions, i32.load(at(table, 4)));
    f.set(vectors, vectorsOf(v, positions.get));
    for (const [index, pointer] of pointers.entries()) f.set(pointer, i32.add(starts[index].get, first.get));
    f.set(weights.pointer, weights.from.get);
    const ofHead: Moving[] = [
      ...evenly(
        features.map(({ pointer }) => pointer),
        s.headBytes * atOnce,
      ),
      { pointer: weights.pointer, bytes: s.weights.head * atOnce },
      { pointer: weightScale.pointer, bytes: s.row * atOnce },
    ];
    f.loop(heads / atOnce, ofHead, () => body(positions, vectors));
  });
}

/** A parameter, and a pointer that starts there and moves. */
interface Pointed {
  readonly from: Local;
  readonly pointer: Local;
}

interface HeadPointers {
  readonly heads: number;
  /** How many heads `body` visits in one turn. */
  readonly atOnce?: number;
  readonly documents: Local;
  readonly weights: Pointed;
  readonly weightScale: Pointed;
  readonly features: readonly Pointed[];
}

/** A parameter of the function, and a local pointer that starts there and moves. */
function pointed(f: FunctionWriter, name: string): Pointed {
  return { from: f.parameter('i32', name), pointer: f.local('i32', `${name}At`) };
}

/**
 * `attention(qkv, weights, weightScale, out, documents)`: for `heads` heads, beginning at the pointers:
 * w_j = e^(s_j - max s) with s_j = q · k_j / √headDim for j <= t; weightScale = 1 / Σ_j w_j; out = weightScale · Σ_j w_j v_j.
 * qkv `[3 · nEmbd][column]`, weights `[document][nHead][key][query]`, weightScale `[nHead][column]`, out `[nEmbd][column]`.
 * What is written after a document's last position does not matter: the next document begins there and writes its own
 * later.
 */
export function attention(v: Vector, l: Layout, heads: number): string {
  const f = new FunctionWriter('attention');
  const [qkvs, weights, weightScale, outs] = ['qkv', 'weights', 'weightScale', 'out'].map((name) => pointed(f, name));
  const documents = f.parameter('i32', 'documents');
  const [qkv, out] = [qkvs.pointer, outs.pointer];
  const s = squares(v, l);
  const { headDim, row, vectorBytes, keys } = s;
  const keyBytes = s.weights.key;
  const pointer = (name: string) => f.local('i32', name);
  const [q, k, o, wColumn, w, inverse] = ['q', 'k', 'o', 'wColumn', 'w', 'inverse'].map(pointer);
  const downward: Moving = { pointer: w, bytes: v.lanes * keyBytes };
  // Two heads in turn, pass by pass: while one waits for results, the other computes.
  const atOnce = heads % 2 === 0 ? 2 : 1;
  const sides = Array.from({ length: atOnce }, (_, side) => ({
    features: side * s.headBytes,
    weights: side * s.weights.head,
    scale: side * row,
    max: f.local('v128', 'max'),
    sum: f.local('v128', 'sum'),
  }));

  const pointers = { heads, atOnce, documents, weights, weightScale, features: [qkvs, outs] };
  overHeads(f, v, l, s, pointers, (_, vectors) => {
    f.set(q, qkv.get);
    f.set(o, out.get);
    f.set(wColumn, weights.pointer.get);
    f.set(inverse, weightScale.pointer.get);
    overQueryVectors(f, vectors, evenly([q, o, wColumn, inverse], vectorBytes), (before) => {
      for (const side of sides) {
        f.set(side.max, v.constant(v.lowest));
        f.set(k, qkv.get);
        f.set(w, wColumn.get);
        overSquares(f, before, [{ pointer: k, bytes: vectorBytes }, downward], (diagonal) => {
          const scores = keys.map(() => f.let('v128', 'score', v.constant(0)));
          const [qd, kd] = [f.let('i32', 'qd', q.get), f.let('i32', 'kd', k.get)];
          f.unrolled(headDim, 16, evenly([qd, kd], row), (copy) => {
            const d = side.features + copy * row;
            const query = f.let('v128', 'query', v.load(at(qd, d)));
            for (const [j, score] of scores.entries()) {
              const key = v.splat(at(ahead(kd, s.toKeys + d), j * v.elementBytes));
              f.set(score, v.madd(key, query.get, score.get));
            }
          });
          for (const [j, score] of scores.entries()) {
            const scaled = v.mul(score.get, v.constant(s.scale));
            f.set(score, diagonal ? v.select(seesKey(v, s, j), scaled, v.constant(v.lowest)) : scaled);
            f.set(side.max, v.max(side.max.get, score.get));
            f.do(v.store(at(w, side.weights + j * keyBytes), score.get));
          }
        });
      }

      for (const side of sides) {
        f.set(side.sum, v.constant(0));
        f.set(w, wColumn.get);
        overSquares(f, before, [downward], (diagonal) => {
          const place = (j: number) => at(w, side.weights + j * keyBytes);
          const below = keys.map((j) => v.max(v.sub(v.load(place(j)), side.max.get), v.constant(v.lowestExponent)));
          for (const [j, e] of v.exp(f, below).entries()) {
            if (diagonal) f.set(e, v.where(seesKey(v, s, j), e.get));
            f.set(side.sum, v.add(side.sum.get, e.get));
            f.do(v.store(place(j), e.get));
          }
        });
        f.set(side.sum, v.div(v.constant(1), side.sum.get));
        f.do(v.store(at(inverse, side.scale), side.sum.get));
      }

      for (const side of sides) {
        const [value, od] = [f.let('i32', 'value', qkv.get), f.let('i32', 'od', o.get)];
        f.chunked(headDim, 8, evenly([value, od], row), (features) => {
          const sums = Array.from({ length: features }, () => f.let('v128', 'out', v.constant(0)));
          const vj = f.let('i32', 'vj', value.get);
          f.set(w, wColumn.get);
          overSquares(f, before, [downward, { pointer: vj, bytes: vectorBytes }], () => {
            for (const j of keys) {
              const weight = f.let('v128', 'weight', v.load(at(w, side.weights + j * keyBytes)));
              for (const [d, total] of sums.entries()) {
                const value = v.splat(at(ahead(vj, s.toValues + side.features + d * row), j * v.elementBytes));
                f.set(total, v.madd(value, weight.get, total.get));
              }
            }
          });
          for (const [d, total] of sums.entries())
            f.do(v.store(at(od, side.features + d * row), v.mul(total.get, side.sum.get)));
        });
      }
    });
  });
  return f.text();
}

/**
 * `attentionGradient(qkv, weights, weightScale, out, dOut, dQkv, vectors, documents)`. With a_j = weightScale · w_j and
 * D = Σ_d dOut · out, which is Σ_j a_j da_j: da_j = Σ_d v_j dOut; ds_j = a_j (da_j - D) / √headDim; dq = Σ_j k_j ds_j;
 * dk_j = Σ_t q_t ds_jt; dv_j = Σ_t a_jt dOut_t. The last two add over positions, which are lanes, so their squares are
 * transposed in registers. Lanes after a document's last position belong to the next document; their scale counts as zero.
 */
export function attentionGradient(v: Vector, l: Layout, heads: number): string {
  const f = new FunctionWriter('attentionGradient');
  const names = ['qkv', 'weights', 'weightScale', 'out', 'dOut', 'dQkv'];
  const [qkvs, weights, weightScale, outs, dOuts, dQkvs] = names.map((name) => pointed(f, name));
  const [allVectors, documents] = [f.parameter('i32', 'allVectors'), f.parameter('i32', 'documents')];
  const s = squares(v, l);
  const { headDim, row, vectorBytes, keys } = s;
  const keyBytes = s.weights.key;
  const pointer = (name: string) => f.local('i32', name);
  const [q, dq, o, dO] = ['q', 'dq', 'o', 'dO'].map(pointer);
  const [key, dKey, wColumn, w, inverse] = ['key', 'dKey', 'wColumn', 'w', 'inverse'].map(pointer);
  const [products, scale, position] = ['products', 'scale', 'position'].map((name) => f.local('v128', name));

  const square = () => {
    const da = keys.map(() => f.let('v128', 'da', v.constant(0)));
    const [vd, dOd] = [f.let('i32', 'vd', key.get), f.let('i32', 'dOd', dO.get)];
    f.unrolled(headDim, 16, evenly([vd, dOd], row), (copy) => {
      const upstream = f.let('v128', 'upstream', v.load(at(dOd, copy * row)));
      for (const [j, sum] of da.entries())
        f.set(sum, v.madd(v.splat(at(ahead(vd, s.toValues + copy * row), j * v.elementBytes)), upstream.get, sum.get));
    });
    const weight = keys.map((j) => f.let('v128', 'weight', v.mul(v.load(at(w, j * keyBytes)), scale.get)));
    const ds = weight.map((a, j) => {
      const centred = v.mul(v.sub(da[j].get, products.get), v.constant(s.scale));
      return f.let('v128', 'ds', v.mul(a.get, centred));
    });
    const weightRows = v.transpose(f, weight);
    const dsRows = v.transpose(f, ds);
    const gather = (place: Address, factors: readonly Local[], from: Pick<Local, 'get'>) => {
      const sum = factors.reduce(
        (total, factor, lane) => v.madd(v.splat(at(from, lane * v.elementBytes)), factor.get, total),
        v.load(place),
      );
      f.do(v.store(place, sum));
    };
    const moving = [key, dKey, q, dq, dO].map((from) => f.let('i32', 'd', from.get));
    const [kd, dkd, qd, dqd, upd] = moving;
    f.unrolled(headDim, 8, evenly(moving, row), (copy) => {
      const d = copy * row;
      gather(at(dqd, d), ds, ahead(kd, s.toKeys + d));
      gather(at(dkd, s.toKeys + d), dsRows, ahead(qd, d));
      gather(at(dkd, s.toValues + d), weightRows, ahead(upd, d));
    });
  };

  // The last document may end before the end of the last vector. dQkv must be zero there.
  const tail = f.let(
    'i32',
    'tail',
    i32.add(dQkvs.from.get, i32.mul(i32.sub(allVectors.get, i32.constant(1)), i32.constant(vectorBytes))),
  );
  f.unrolled(heads * headDim, 8, evenly([tail], row), (copy) => {
    for (const to of [0, s.toKeys, s.toValues]) f.do(v.store(at(tail, to + copy * row), v.constant(0)));
  });

  const features = [qkvs, dQkvs, outs, dOuts];
  overHeads(f, v, l, s, { heads, documents, weights, weightScale, features }, (positions, vectors) => {
    // dk and dv are summed over query vectors, dq over key vectors. All start from zero.
    const clear = f.let('i32', 'clear', dQkvs.pointer.get);
    f.loop(vectors, evenly([clear], vectorBytes), () => {
      const each = f.let('i32', 'each', clear.get);
      f.unrolled(headDim, 8, evenly([each], row), (copy) => {
        for (const to of [0, s.toKeys, s.toValues]) f.do(v.store(at(each, to + copy * row), v.constant(0)));
      });
    });
    for (const [local, from] of [
      [q, qkvs],
      [dq, dQkvs],
      [o, outs],
      [dO, dOuts],
      [wColumn, weights],
      [inverse, weightScale],
    ] as const)
      f.set(local, from.pointer.get);
    f.set(position, v.laneNumbers());
    overQueryVectors(f, vectors, evenly([q, dq, o, dO, wColumn, inverse], vectorBytes), (before) => {
      f.set(products, v.constant(0));
      const [od, dOd] = [f.let('i32', 'od', o.get), f.let('i32', 'dOd', dO.get)];
      f.unrolled(headDim, 16, evenly([od, dOd], row), (copy) =>
        f.set(products, v.madd(v.load(at(od, copy * row)), v.load(at(dOd, copy * row)), products.get)),
      );
      f.set(scale, v.where(v.greater(v.fromInteger(positions.get), position.get), v.load(at(inverse))));
      f.set(position, v.add(position.get, v.constant(v.lanes)));
      f.set(key, qkvs.pointer.get);
      f.set(dKey, dQkvs.pointer.get);
      f.set(w, wColumn.get);
      const all = f.let('i32', 'all', i32.add(before.get, i32.constant(1)));
      f.loop(all, [...evenly([key, dKey], vectorBytes), { pointer: w, bytes: v.lanes * keyBytes }], square);
    });
  });
  return f.text();
}
