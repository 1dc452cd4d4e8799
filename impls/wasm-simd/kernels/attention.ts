import type { Layout } from './layout.ts';
import type { Vector } from './vector.ts';
import { at, type Expression, FunctionWriter, i32, type Local } from './wat.ts';

/**
 * Causal attention works on squares of `lanes` key positions by one vector of query positions: `lanes` vectors, one for
 * each key. Only squares on and below the diagonal exist; on it, lanes before the key are masked.
 */

const bytesOf = (v: Vector) => v.lanes * v.elementBytes;

function headBytes(l: Layout): number {
  return (l.model.nEmbd / l.model.nHead) * l.strideBytes;
}

/** Visits every square of every head: query vectors in order, for each the key vectors up to the diagonal. */
function overQueryVectors(
  f: FunctionWriter,
  vectors: Local,
  moving: { pointer: Local; bytes: number }[],
  body: (squares: Local) => void,
) {
  const squares = f.let('i32', 'squares', i32.constant(1));
  f.loop(vectors, [...moving, { pointer: squares, bytes: 1 }], () => body(squares));
}

function diagonalMask(v: Vector, key: number): Expression {
  return v.laneMask(Array.from({ length: v.lanes }, (_, query) => query >= key));
}

/**
 * `attention(qkv, weights, out, vectors)`: per head, a_j = softmax over j <= t of q · k_j / √headDim, out = Σ_j a_j v_j.
 * qkv `[3 · nEmbd][position]`, weights `[nHead][key][position]`, out `[nEmbd][position]`.
 */
export function attention(v: Vector, l: Layout): string {
  const f = new FunctionWriter('attention');
  const [qkv, weights, out, vectors] = [
    f.parameter('i32', 'qkv'),
    f.parameter('i32', 'weights'),
    f.parameter('i32', 'out'),
    f.parameter('i32', 'vectors'),
  ];
  const { nEmbd, nHead } = l.model;
  const headDim = nEmbd / nHead;
  const vectorBytes = bytesOf(v);
  const positions = Math.ceil(l.model.blockSize / v.lanes) * v.lanes;
  const row = l.strideBytes;
  const [k0, v0] = [nEmbd * row, 2 * nEmbd * row];
  const scale = 1 / Math.sqrt(headDim);
  const [q, k, o, a] = [f.local('i32', 'q'), f.local('i32', 'k'), f.local('i32', 'o'), f.local('i32', 'a')];
  const max = f.local('v128', 'max');
  const left = f.local('i32', 'left');

  /** Scores of one square, from the keys at `k` to the rows at `a`. */
  const square = (diagonal: boolean) => {
    const scores = Array.from({ length: v.lanes }, () => f.let('v128', 'score', v.constant(0)));
    const [qd, kd] = [f.let('i32', 'qd', q.get), f.let('i32', 'kd', k.get)];
    f.unrolled(
      headDim,
      16,
      [
        { pointer: qd, bytes: row },
        { pointer: kd, bytes: row },
      ],
      (copy) => {
        const query = f.let('v128', 'query', v.load(at(qd, copy * row)));
        for (const [j, score] of scores.entries())
          f.set(score, v.madd(v.splat(at(kd, k0 + copy * row + j * v.elementBytes)), query.get, score.get));
      },
    );
    for (const [j, score] of scores.entries()) {
      const scaled = v.mul(score.get, v.constant(scale));
      f.set(
        score,
        diagonal ? `(v128.bitselect ${scaled} ${v.constant(Number.NEGATIVE_INFINITY)} ${diagonalMask(v, j)})` : scaled,
      );
      f.set(max, v.max(max.get, score.get));
      f.do(v.store(at(a, j * row), score.get));
    }
  };

  f.loop(
    nHead,
    [
      { pointer: qkv, bytes: headBytes(l) },
      { pointer: out, bytes: headBytes(l) },
      { pointer: weights, bytes: positions * row },
    ],
    () => {
      f.set(q, qkv.get);
      f.set(o, out.get);
      const aColumn = f.let('i32', 'aColumn', weights.get);
      overQueryVectors(
        f,
        vectors,
        [
          { pointer: q, bytes: vectorBytes },
          { pointer: o, bytes: vectorBytes },
          { pointer: aColumn, bytes: vectorBytes },
        ],
        (squares) => {
          f.set(max, v.constant(Number.NEGATIVE_INFINITY));
          f.set(k, qkv.get);
          f.set(a, aColumn.get);
          f.set(left, i32.sub(squares.get, i32.constant(1)));
          f.do(`(if ${left.get} (then`);
          f.loop(
            left,
            [
              { pointer: k, bytes: vectorBytes },
              { pointer: a, bytes: v.lanes * row },
            ],
            () => square(false),
          );
          f.do('))');
          square(true);

          const sum = f.let('v128', 'sum', v.constant(0));
          f.set(a, aColumn.get);
          f.loop(squares, [{ pointer: a, bytes: v.lanes * row }], () => {
            for (let j = 0; j < v.lanes; j++) {
              const score = f.let('v128', 'score', v.load(at(a, j * row)));
              // A masked score is -∞ and its weight zero; others stay above the cut-off.
              const below = v.max(v.sub(score.get, max.get), v.constant(v.lowestExponent));
              const masked = v.greater(score.get, v.constant(Number.NEGATIVE_INFINITY));
              const e = f.let('v128', 'e', v.where(masked, v.exp(f, below)));
              f.set(sum, v.add(sum.get, e.get));
              f.do(v.store(at(a, j * row), e.get));
            }
          });

          const inverse = f.let('v128', 'inverse', v.div(v.constant(1), sum.get));
          f.set(a, aColumn.get);
          f.loop(squares, [{ pointer: a, bytes: v.lanes * row }], () => {
            for (let j = 0; j < v.lanes; j++) f.do(v.store(at(a, j * row), v.mul(v.load(at(a, j * row)), inverse.get)));
          });

          const [value, od] = [f.let('i32', 'value', qkv.get), f.let('i32', 'od', o.get)];
          const features = chunk(headDim, 8);
          f.loop(
            headDim / features,
            [
              { pointer: value, bytes: features * row },
              { pointer: od, bytes: features * row },
            ],
            () => {
              const sums = Array.from({ length: features }, () => f.let('v128', 'out', v.constant(0)));
              const vj = f.let('i32', 'vj', value.get);
              f.set(a, aColumn.get);
              f.loop(
                squares,
                [
                  { pointer: a, bytes: v.lanes * row },
                  { pointer: vj, bytes: vectorBytes },
                ],
                () => {
                  for (let j = 0; j < v.lanes; j++) {
                    const weight = f.let('v128', 'weight', v.load(at(a, j * row)));
                    for (const [d, total] of sums.entries())
                      f.set(total, v.madd(v.splat(at(vj, v0 + d * row + j * v.elementBytes)), weight.get, total.get));
                  }
                },
              );
              for (const [d, total] of sums.entries()) f.do(v.store(at(od, d * row), total.get));
            },
          );
        },
      );
    },
  );
  return f.text();
}

function chunk(count: number, most: number): number {
  for (let size = Math.min(count, most); size > 1; size--) if (count % size === 0) return size;
  return 1;
}

/**
 * `attentionGradient(qkv, weights, out, dOut, dQkv, vectors)`. With D = Σ_d dOut · out, which is Σ_j a_j da_j:
 * da_j = Σ_d v_j dOut; ds_j = a_j (da_j - D) / √headDim; dq = Σ_j k_j ds_j; dk_j = Σ_t q_t ds_jt; dv_j = Σ_t a_jt dOut_t.
 * The last two sum over positions, which are lanes: their squares are transposed in registers.
 */
export function attentionGradient(v: Vector, l: Layout): string {
  const f = new FunctionWriter('attentionGradient');
  const [qkv, weights, out, dOut, dQkv] = [
    f.parameter('i32', 'qkv'),
    f.parameter('i32', 'weights'),
    f.parameter('i32', 'out'),
    f.parameter('i32', 'dOut'),
    f.parameter('i32', 'dQkv'),
  ];
  const vectors = f.parameter('i32', 'vectors');
  const { nEmbd, nHead } = l.model;
  const headDim = nEmbd / nHead;
  const vectorBytes = bytesOf(v);
  const positions = Math.ceil(l.model.blockSize / v.lanes) * v.lanes;
  const row = l.strideBytes;
  const [k0, v0] = [nEmbd * row, 2 * nEmbd * row];
  const scale = 1 / Math.sqrt(headDim);
  const local = (name: string) => f.local('i32', name);
  const [q, dq, o, dO, key, dKey, a, aColumn] = [
    local('q'),
    local('dq'),
    local('o'),
    local('dO'),
    local('key'),
    local('dKey'),
    local('a'),
    local('aColumn'),
  ];
  const products = f.local('v128', 'products');

  // dk and dv gather over query vectors, dq over key vectors: all start from zero.
  const clear = f.let('i32', 'clear', dQkv.get);
  f.loop(vectors, [{ pointer: clear, bytes: vectorBytes }], () => {
    const each = f.let('i32', 'each', clear.get);
    f.unrolled(3 * nEmbd, 16, [{ pointer: each, bytes: row }], (copy) =>
      f.do(v.store(at(each, copy * row), v.constant(0))),
    );
  });

  const square = () => {
    const lanes = Array.from({ length: v.lanes }, (_, j) => j);
    const da = lanes.map(() => f.let('v128', 'da', v.constant(0)));
    const pointers = [f.let('i32', 'vd', key.get), f.let('i32', 'dOd', dO.get)] as const;
    f.unrolled(
      headDim,
      16,
      pointers.map((pointer) => ({ pointer, bytes: row })),
      (copy) => {
        const upstream = f.let('v128', 'upstream', v.load(at(pointers[1], copy * row)));
        for (const [j, sum] of da.entries())
          f.set(sum, v.madd(v.splat(at(pointers[0], v0 + copy * row + j * v.elementBytes)), upstream.get, sum.get));
      },
    );
    const weight = lanes.map((j) => f.let('v128', 'weight', v.load(at(a, j * row))));
    const ds = da.map((sum, j) => {
      const centred = v.mul(v.sub(sum.get, products.get), v.constant(scale));
      return f.let('v128', 'ds', v.mul(weight[j]?.get ?? '', centred));
    });
    const weightRows = v.transpose(f, weight);
    const dsRows = v.transpose(f, ds);
    const [kd, dkd, qd, dqd, dOd] = [
      f.let('i32', 'kd', key.get),
      f.let('i32', 'dkd', dKey.get),
      f.let('i32', 'qd', q.get),
      f.let('i32', 'dqd', dq.get),
      f.let('i32', 'dOd', dO.get),
    ];
    const gather = (
      place: { base: Expression; offsetBytes: number },
      factors: readonly Local[],
      splatFrom: (lane: number) => Expression,
    ) => {
      const sum = factors.reduce((total, factor, lane) => v.madd(splatFrom(lane), factor.get, total), v.load(place));
      f.do(v.store(place, sum));
    };
    f.unrolled(
      headDim,
      8,
      [kd, dkd, qd, dqd, dOd].map((pointer) => ({ pointer, bytes: row })),
      (copy) => {
        const d = copy * row;
        const lane = (j: number) => d + j * v.elementBytes;
        gather(at(dqd, d), ds, (j) => v.splat(at(kd, k0 + lane(j))));
        gather(at(dkd, k0 + d), dsRows, (t) => v.splat(at(qd, lane(t))));
        gather(at(dkd, v0 + d), weightRows, (t) => v.splat(at(dOd, lane(t))));
      },
    );
  };

  const heads = [qkv, dQkv, out, dOut].map((pointer) => ({ pointer, bytes: headBytes(l) }));
  f.loop(nHead, [...heads, { pointer: weights, bytes: positions * row }], () => {
    f.set(q, qkv.get);
    f.set(dq, dQkv.get);
    f.set(o, out.get);
    f.set(dO, dOut.get);
    f.set(aColumn, weights.get);
    overQueryVectors(
      f,
      vectors,
      [q, dq, o, dO, aColumn].map((pointer) => ({ pointer, bytes: vectorBytes })),
      (squares) => {
        f.set(products, v.constant(0));
        const [od, dOd] = [f.let('i32', 'od', o.get), f.let('i32', 'dOd', dO.get)];
        f.unrolled(
          headDim,
          16,
          [od, dOd].map((pointer) => ({ pointer, bytes: row })),
          (copy) => f.set(products, v.madd(v.load(at(od, copy * row)), v.load(at(dOd, copy * row)), products.get)),
        );
        f.set(key, qkv.get);
        f.set(dKey, dQkv.get);
        f.set(a, aColumn.get);
        f.loop(
          squares,
          [
            { pointer: key, bytes: vectorBytes },
            { pointer: dKey, bytes: vectorBytes },
            { pointer: a, bytes: v.lanes * row },
          ],
          square,
        );
      },
    );
  });
  return f.text();
}
