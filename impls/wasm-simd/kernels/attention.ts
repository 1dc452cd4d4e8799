import type { Layout } from './layout.ts';
import type { Vector } from './vector.ts';
import { type Address, at, type Expression, FunctionWriter, i32, type Local, type Moving } from './wat.ts';

/**
 * Causal attention in squares: as many key positions as a vector has lanes, by one vector of query positions. A square
 * is held as one vector per key. Only squares on and below the diagonal exist; on it, queries before the key are masked.
 */
interface Squares {
  readonly headDim: number;
  readonly row: number;
  readonly vectorBytes: number;
  /** From a head's queries to its keys and values, which lie in the same matrix. */
  readonly toKeys: number;
  readonly toValues: number;
  /** From one head to the next, in activations and in attention weights. */
  readonly headBytes: number;
  readonly headWeightBytes: number;
  readonly scale: number;
  /** The keys of a square: 0, 1, … */
  readonly keys: readonly number[];
}

function squares(v: Vector, l: Layout): Squares {
  const { nEmbd, nHead, blockSize } = l.model;
  const headDim = nEmbd / nHead;
  return {
    headDim,
    row: l.strideBytes,
    vectorBytes: v.lanes * v.elementBytes,
    toKeys: nEmbd * l.strideBytes,
    toValues: 2 * nEmbd * l.strideBytes,
    headBytes: headDim * l.strideBytes,
    headWeightBytes: Math.ceil(blockSize / v.lanes) * v.lanes * l.strideBytes,
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
 * `attention(qkv, weights, weightScale, out, vectors)`: for `heads` heads from where the
 * pointers stand: w_j = e^(s_j - max s) with s_j = q · k_j / √headDim for
 * j <= t; weightScale = 1 / Σ_j w_j; out = weightScale · Σ_j w_j v_j.
 * qkv `[3 · nEmbd][position]`, weights `[nHead][key][position]`, weightScale `[nHead][position]`, out `[nEmbd][position]`.
 */
export function attention(v: Vector, l: Layout, heads: number): string {
  const f = new FunctionWriter('attention');
  const [qkv, weights] = [f.parameter('i32', 'qkv'), f.parameter('i32', 'weights')];
  const [weightScale, out] = [f.parameter('i32', 'weightScale'), f.parameter('i32', 'out')];
  const vectors = f.parameter('i32', 'vectors');
  const s = squares(v, l);
  const { headDim, row, vectorBytes, keys } = s;
  const pointer = (name: string) => f.local('i32', name);
  const [q, k, o, wColumn, w, inverse] = [
    pointer('q'),
    pointer('k'),
    pointer('o'),
    pointer('wColumn'),
    pointer('w'),
    pointer('inverse'),
  ];
  const [max, sum] = [f.local('v128', 'max'), f.local('v128', 'sum')];
  const downward: Moving = { pointer: w, bytes: v.lanes * row };

  const perHead: Moving[] = [
    ...evenly([qkv, out], s.headBytes),
    { pointer: weights, bytes: s.headWeightBytes },
    { pointer: weightScale, bytes: row },
  ];
  f.loop(heads, perHead, () => {
    f.set(q, qkv.get);
    f.set(o, out.get);
    f.set(wColumn, weights.get);
    f.set(inverse, weightScale.get);
    overQueryVectors(f, vectors, evenly([q, o, wColumn, inverse], vectorBytes), (before) => {
      f.set(max, v.constant(v.lowest));
      f.set(k, qkv.get);
      f.set(w, wColumn.get);
      overSquares(f, before, [{ pointer: k, bytes: vectorBytes }, downward], (diagonal) => {
        const scores = keys.map(() => f.let('v128', 'score', v.constant(0)));
        const [qd, kd] = [f.let('i32', 'qd', q.get), f.let('i32', 'kd', k.get)];
        f.unrolled(headDim, 16, evenly([qd, kd], row), (copy) => {
          const query = f.let('v128', 'query', v.load(at(qd, copy * row)));
          for (const [j, score] of scores.entries())
            f.set(score, v.madd(v.splat(at(kd, s.toKeys + copy * row + j * v.elementBytes)), query.get, score.get));
        });
        for (const [j, score] of scores.entries()) {
          const scaled = v.mul(score.get, v.constant(s.scale));
          f.set(score, diagonal ? v.select(seesKey(v, s, j), scaled, v.constant(v.lowest)) : scaled);
          f.set(max, v.max(max.get, score.get));
          f.do(v.store(at(w, j * row), score.get));
        }
      });

      f.set(sum, v.constant(0));
      f.set(w, wColumn.get);
      overSquares(f, before, [downward], (diagonal) => {
        for (const j of keys) {
          const below = v.max(v.sub(v.load(at(w, j * row)), max.get), v.constant(v.lowestExponent));
          const e = v.exp(f, below);
          const weight = f.let('v128', 'weight', diagonal ? v.where(seesKey(v, s, j), e) : e);
          f.set(sum, v.add(sum.get, weight.get));
          f.do(v.store(at(w, j * row), weight.get));
        }
      });
      f.set(sum, v.div(v.constant(1), sum.get));
      f.do(v.store(at(inverse), sum.get));

      const [value, od] = [f.let('i32', 'value', qkv.get), f.let('i32', 'od', o.get)];
      f.chunked(headDim, 8, evenly([value, od], row), (features) => {
        const sums = Array.from({ length: features }, () => f.let('v128', 'out', v.constant(0)));
        const vj = f.let('i32', 'vj', value.get);
        f.set(w, wColumn.get);
        overSquares(f, before, [downward, { pointer: vj, bytes: vectorBytes }], () => {
          for (const j of keys) {
            const weight = f.let('v128', 'weight', v.load(at(w, j * row)));
            for (const [d, total] of sums.entries())
              f.set(total, v.madd(v.splat(at(vj, s.toValues + d * row + j * v.elementBytes)), weight.get, total.get));
          }
        });
        for (const [d, total] of sums.entries()) f.do(v.store(at(od, d * row), v.mul(total.get, sum.get)));
      });
    });
  });
  return f.text();
}

/**
 * `attentionGradient(qkv, weights, weightScale, out, dOut, dQkv, vectors)`. With a_j = weightScale · w_j and
 * D = Σ_d dOut · out, which is Σ_j a_j da_j: da_j = Σ_d v_j dOut; ds_j = a_j (da_j - D) / √headDim; dq = Σ_j k_j ds_j;
 * dk_j = Σ_t q_t ds_jt; dv_j = Σ_t a_jt dOut_t. The last two add over positions, which are lanes: their squares are
 * transposed in registers.
 */
export function attentionGradient(v: Vector, l: Layout, heads: number): string {
  const f = new FunctionWriter('attentionGradient');
  const [qkv, weights] = [f.parameter('i32', 'qkv'), f.parameter('i32', 'weights')];
  const [weightScale, out] = [f.parameter('i32', 'weightScale'), f.parameter('i32', 'out')];
  const [dOut, dQkv, vectors] = [f.parameter('i32', 'dOut'), f.parameter('i32', 'dQkv'), f.parameter('i32', 'vectors')];
  const s = squares(v, l);
  const { headDim, row, vectorBytes, keys } = s;
  const pointer = (name: string) => f.local('i32', name);
  const [q, dq, o, dO] = [pointer('q'), pointer('dq'), pointer('o'), pointer('dO')];
  const [key, dKey, wColumn, w, inverse] = [
    pointer('key'),
    pointer('dKey'),
    pointer('wColumn'),
    pointer('w'),
    pointer('inverse'),
  ];
  const [products, scale] = [f.local('v128', 'products'), f.local('v128', 'scale')];

  const square = () => {
    const da = keys.map(() => f.let('v128', 'da', v.constant(0)));
    const [vd, dOd] = [f.let('i32', 'vd', key.get), f.let('i32', 'dOd', dO.get)];
    f.unrolled(headDim, 16, evenly([vd, dOd], row), (copy) => {
      const upstream = f.let('v128', 'upstream', v.load(at(dOd, copy * row)));
      for (const [j, sum] of da.entries())
        f.set(sum, v.madd(v.splat(at(vd, s.toValues + copy * row + j * v.elementBytes)), upstream.get, sum.get));
    });
    const weight = keys.map((j) => f.let('v128', 'weight', v.mul(v.load(at(w, j * row)), scale.get)));
    const ds = weight.map((a, j) => {
      const centred = v.mul(v.sub(da[j]?.get ?? a.get, products.get), v.constant(s.scale));
      return f.let('v128', 'ds', v.mul(a.get, centred));
    });
    const weightRows = v.transpose(f, weight);
    const dsRows = v.transpose(f, ds);
    const gather = (place: Address, factors: readonly Local[], splatOf: (lane: number) => Address) => {
      const sum = factors.reduce(
        (total, factor, lane) => v.madd(v.splat(splatOf(lane)), factor.get, total),
        v.load(place),
      );
      f.do(v.store(place, sum));
    };
    const moving = [key, dKey, q, dq, dO].map((from) => f.let('i32', 'd', from.get));
    const [kd, dkd, qd, dqd, upd] = moving;
    if (kd === undefined || dkd === undefined || qd === undefined || dqd === undefined || upd === undefined) return;
    f.unrolled(headDim, 8, evenly(moving, row), (copy) => {
      const d = copy * row;
      const lane = (j: number) => d + j * v.elementBytes;
      gather(at(dqd, d), ds, (j) => at(kd, s.toKeys + lane(j)));
      gather(at(dkd, s.toKeys + d), dsRows, (t) => at(qd, lane(t)));
      gather(at(dkd, s.toValues + d), weightRows, (t) => at(upd, lane(t)));
    });
  };

  const perHead: Moving[] = [
    ...evenly([qkv, dQkv, out, dOut], s.headBytes),
    { pointer: weights, bytes: s.headWeightBytes },
    { pointer: weightScale, bytes: row },
  ];
  f.loop(heads, perHead, () => {
    // dk and dv gather over query vectors, dq over key vectors: all start from zero.
    const clear = f.let('i32', 'clear', dQkv.get);
    f.loop(vectors, evenly([clear], vectorBytes), () => {
      const each = f.let('i32', 'each', clear.get);
      f.unrolled(headDim, 8, evenly([each], row), (copy) => {
        for (const to of [0, s.toKeys, s.toValues]) f.do(v.store(at(each, to + copy * row), v.constant(0)));
      });
    });
    for (const [local, from] of [
      [q, qkv],
      [dq, dQkv],
      [o, out],
      [dO, dOut],
      [wColumn, weights],
      [inverse, weightScale],
    ] as const)
      f.set(local, from.get);
    overQueryVectors(f, vectors, evenly([q, dq, o, dO, wColumn, inverse], vectorBytes), (before) => {
      f.set(products, v.constant(0));
      const [od, dOd] = [f.let('i32', 'od', o.get), f.let('i32', 'dOd', dO.get)];
      f.unrolled(headDim, 16, evenly([od, dOd], row), (copy) =>
        f.set(products, v.madd(v.load(at(od, copy * row)), v.load(at(dOd, copy * row)), products.get)),
      );
      f.set(scale, v.load(at(inverse)));
      f.set(key, qkv.get);
      f.set(dKey, dQkv.get);
      f.set(w, wColumn.get);
      const all = f.let('i32', 'all', i32.add(before.get, i32.constant(1)));
      f.loop(all, [...evenly([key, dKey], vectorBytes), { pointer: w, bytes: v.lanes * row }], square);
    });
  });
  return f.text();
}
