import { fromRows, toRows } from './head-rows.ts';
import { headStrides, type Layout } from './layout.ts';
import type { Vector } from './vector.ts';
import { at, type Expression, FunctionWriter, i32, type Local } from './wat.ts';

/** The most features of a group of heads that a pass keeps in registers, and half as many where it keeps three of each. */
const mostFeatures = 8;

/** Parts of equal size, each with the numbers of its features. */
function parts(headDim: number, most: number): number[][] {
  let size = Math.min(headDim, most);
  while (headDim % size !== 0) size--;
  return Array.from({ length: headDim / size }, (_, part) => Array.from({ length: size }, (_, d) => part * size + d));
}

/** Rows for each column, in pieces for each group: a pointer to a document's first piece, to its first of a group, and to that of a query. */
interface Rows {
  readonly document: Local;
  readonly group: Local;
  readonly query: Local;
  readonly pieceBytes: number;
}

function rowsFrom(f: FunctionWriter, document: Local, pieceBytes: number): Rows {
  return { document, group: f.local('i32', 'group'), query: f.local('i32', 'query'), pieceBytes };
}

/**
 * Visits the queries of all documents, group by group. Query t sees t + 1 keys, which are the first rows of its group.
 * `weights` moves behind the query's weights, which are one vector for each key.
 */
function overQueries(
  f: FunctionWriter,
  v: Vector,
  l: Layout,
  groups: number,
  documents: Local,
  weights: Local,
  rows: readonly Rows[],
  body: (keys: Local) => void,
): void {
  const [positions, keys] = [f.local('i32', 'positions'), f.local('i32', 'keys')];
  const table = f.let('i32', 'table', i32.constant(l.documents));
  const nextGroup = rows.map(({ group, pieceBytes }) => ({ pointer: group, bytes: pieceBytes }));
  const nextQuery = rows.map(({ query, pieceBytes }) => ({ pointer: query, bytes: groups * pieceBytes }));
  f.loop(documents, [{ pointer: table, bytes: 8 }], () => {
    f.set(positions, i32.load(at(table, 4)));
    for (const { group, document } of rows) f.set(group, document.get);
    f.chunked(groups, 1, nextGroup, () => {
      for (const { query, group } of rows) f.set(query, group.get);
      f.set(keys, i32.constant(1));
      f.loop(positions, [...nextQuery, { pointer: keys, bytes: 1 }], () => {
        body(keys);
        f.set(weights, i32.add(weights.get, i32.mul(keys.get, i32.constant(v.lanes * v.elementBytes))));
      });
    });
    for (const { document, pieceBytes } of rows)
      f.set(document, i32.add(document.get, i32.mul(positions.get, i32.constant(groups * pieceBytes))));
  });
}

/** Σ_d a[d] · b[d], added to `start` if there is one. */
function dot(v: Vector, a: readonly Expression[], b: readonly Expression[], start?: Expression): Expression {
  const first = start === undefined ? v.mul(a[0], b[0]) : v.madd(a[0], b[0], start);
  return a.slice(1).reduce((sum, factor, d) => v.madd(factor, b[d + 1], sum), first);
}

/**
 * `attention(qkv, rows, weights, weightScale, out, vectors, documents)`: for `heads` heads, beginning at the pointers:
 * w_j = e^(s_j - max s) with s_j = q · k_j / √headDim for j <= t; weightScale = 1 / Σ_j w_j; out = weightScale · Σ_j w_j v_j.
 *
 * Heads are lanes, so each query meets exactly the keys it may see. For that qkv `[3 · nEmbd][column]` is turned into rows
 * `[column][group][q, k, v][headDim]`, and out `[nEmbd][column]` back from rows. Weights lie in the order in which queries are
 * visited: `[document][group][query][key]`; weightScale `[column][group]`.
 */
export function attention(v: Vector, l: Layout, heads: number): string {
  const f = new FunctionWriter('attention');
  const [qkv, rows, weights, weightScale, out, vectors, documents] = [
    'qkv',
    'rows',
    'weights',
    'weightScale',
    'out',
    'vectors',
    'documents',
  ].map((name) => f.parameter('i32', name));
  const { headDim, groups, vectorBytes, toKeys, toValues, qkvBytes, outBytes } = headStrides(l.model, v, heads);
  toRows(f, v, l, { heads, blocks: 3, features: qkv, rows, vectors });

  const inputs = rowsFrom(f, f.let('i32', 'inputs', rows.get), qkvBytes);
  const w = f.let('i32', 'w', weights.get);
  const [key, wj] = [f.local('i32', 'key'), f.local('i32', 'wj')];
  const overKeys = (count: Local, toFirst: number, body: () => void) => {
    f.set(key, toFirst === 0 ? inputs.group.get : i32.add(inputs.group.get, i32.constant(toFirst)));
    f.set(wj, w.get);
    f.loop(
      count,
      [
        { pointer: key, bytes: groups * qkvBytes },
        { pointer: wj, bytes: vectorBytes },
      ],
      body,
    );
  };
  const max = f.local('v128', 'max');
  overQueries(f, v, l, groups, documents, w, [inputs], (keys) => {
    f.set(max, v.constant(v.lowest));
    const parted = parts(headDim, mostFeatures);
    for (const [part, features] of parted.entries()) {
      const query = features.map(
        (d) =>
          f.let('v128', 'query', v.mul(v.load(at(inputs.query, d * vectorBytes)), v.constant(1 / Math.sqrt(headDim))))
            .get,
      );
      overKeys(keys, toKeys, () => {
        const keys = features.map((d) => v.load(at(key, d * vectorBytes)));
        const score = f.let('v128', 'score', dot(v, query, keys, part === 0 ? undefined : v.load(at(wj))));
        if (part === parted.length - 1) f.set(max, v.max(max.get, score.get));
        f.do(v.store(at(wj), score.get));
      });
    }
    f.set(wj, w.get);
    f.loop(keys, [{ pointer: wj, bytes: vectorBytes }], () =>
      f.do(v.store(at(wj), v.max(v.sub(v.load(at(wj)), max.get), v.constant(v.lowestExponent)))),
    );
  });

  // All exponentials at once. The last few may lie after the last weight.
  const atOnce = 4;
  const most = i32.add(i32.sub(w.get, weights.get), i32.constant(atOnce * vectorBytes - 1));
  const turns = f.let('i32', 'turns', `(i32.shr_u ${most} (i32.const ${Math.log2(atOnce * vectorBytes)}))`);
  f.set(w, weights.get);
  f.loop(turns, [{ pointer: w, bytes: atOnce * vectorBytes }], () => {
    const places = Array.from({ length: atOnce }, (_, j) => at(w, j * vectorBytes));
    for (const [j, e] of v
      .exp(
        f,
        places.map((place) => v.load(place)),
      )
      .entries())
      f.do(v.store(places[j], e.get));
  });

  f.set(inputs.document, rows.get);
  f.set(w, weights.get);
  const scales = rowsFrom(f, weightScale, vectorBytes);
  const outputs = rowsFrom(f, f.let('i32', 'outputs', i32.constant(l.outRows)), outBytes);
  const sum = f.local('v128', 'sum');
  overQueries(f, v, l, groups, documents, w, [inputs, scales, outputs], (keys) => {
    for (const [part, features] of parts(headDim, mostFeatures).entries()) {
      const sums = features.map(() => f.let('v128', 'out', v.constant(0)));
      if (part === 0) f.set(sum, v.constant(0));
      overKeys(keys, toValues, () => {
        const weight = f.let('v128', 'weight', v.load(at(wj)));
        if (part === 0) f.set(sum, v.add(sum.get, weight.get));
        for (const [i, d] of features.entries())
          f.set(sums[i], v.madd(weight.get, v.load(at(key, d * vectorBytes)), sums[i].get));
      });
      if (part === 0) {
        f.set(sum, v.div(v.constant(1), sum.get));
        f.do(v.store(at(scales.query), sum.get));
      }
      for (const [i, d] of features.entries())
        f.do(v.store(at(outputs.query, d * vectorBytes), v.mul(sums[i].get, sum.get)));
    }
  });
  const outRows = f.let('i32', 'outRows', i32.constant(l.outRows));
  fromRows(f, v, l, { heads, blocks: 1, features: out, rows: outRows, vectors });
  return f.text();
}

/**
 * `attentionGradient(rows, weights, weightScale, dOut, dQkv, vectors, documents)`: with a_j = weightScale · w_j, which replaces w_j,
 * da_j = Σ_d v_j dOut; ds_j = a_j (da_j - Σ_i a_i da_i) / √headDim; dq = Σ_j k_j ds_j; dk_j = Σ_t q_t ds_jt; dv_j = Σ_t a_jt dOut_t.
 */
export function attentionGradient(v: Vector, l: Layout, heads: number): string {
  const f = new FunctionWriter('attentionGradient');
  const [rows, weights, weightScale, dOut, dQkv, vectors, documents] = [
    'rows',
    'weights',
    'weightScale',
    'dOut',
    'dQkv',
    'vectors',
    'documents',
  ].map((name) => f.parameter('i32', name));
  const { headDim, groups, vectorBytes, toKeys, toValues, qkvBytes, outBytes } = headStrides(l.model, v, heads);
  const [outRows, gradientRows] = [l.outRows, l.gradientRows].map((address) =>
    f.let('i32', 'rows', i32.constant(address)),
  );
  toRows(f, v, l, { heads, blocks: 1, features: dOut, rows: outRows, vectors });
  // The last document may end before the end of the last vector. dQkv must be zero there.
  const lastVector = i32.mul(i32.sub(vectors.get, i32.constant(1)), i32.constant(groups * qkvBytes * v.lanes));
  const clear = f.let('i32', 'clear', i32.add(gradientRows.get, lastVector));
  f.unrolled((groups * qkvBytes * v.lanes) / vectorBytes, 8, [{ pointer: clear, bytes: vectorBytes }], (copy) =>
    f.do(v.store(at(clear, copy * vectorBytes), v.constant(0))),
  );

  const inputs = rowsFrom(f, rows, qkvBytes);
  const scales = rowsFrom(f, weightScale, vectorBytes);
  const upstreams = rowsFrom(f, outRows, outBytes);
  const gradients = rowsFrom(f, f.let('i32', 'gradients', gradientRows.get), qkvBytes);
  const [key, dKey, wj, daj] = ['key', 'dKey', 'wj', 'daj'].map((name) => f.local('i32', name));
  const overKeys = (count: Local, body: () => void) => {
    f.set(key, inputs.group.get);
    f.set(dKey, gradients.group.get);
    f.set(wj, weights.get);
    f.set(daj, i32.constant(l.weightGradients));
    const moving = [
      { pointer: key, bytes: groups * qkvBytes },
      { pointer: dKey, bytes: groups * qkvBytes },
      { pointer: wj, bytes: vectorBytes },
      { pointer: daj, bytes: vectorBytes },
    ];
    f.loop(count, moving, body);
  };
  const [mean, scale] = [f.local('v128', 'mean'), f.local('v128', 'scale')];
  const each = (pointer: Local, features: readonly number[], toFirst = 0) =>
    features.map((d) => v.load(at(pointer, toFirst + d * vectorBytes)));
  overQueries(f, v, l, groups, documents, weights, [inputs, scales, upstreams, gradients], (keys) => {
    // This query is the first that sees its own key and value.
    for (let d = 0; d < headDim; d++)
      for (const to of [toKeys, toValues]) f.do(v.store(at(gradients.query, to + d * vectorBytes), v.constant(0)));
    f.set(mean, v.constant(0));
    f.set(scale, v.load(at(scales.query)));
    const parted = parts(headDim, mostFeatures);
    for (const [part, features] of parted.entries()) {
      const upstream = each(upstreams.query, features).map((value) => f.let('v128', 'upstream', value).get);
      overKeys(keys, () => {
        const da = f.let(
          'v128',
          'da',
          dot(v, upstream, each(key, features, toValues), part === 0 ? undefined : v.load(at(daj))),
        );
        f.do(v.store(at(daj), da.get));
        if (part < parted.length - 1) return;
        const a = f.let('v128', 'a', v.mul(v.load(at(wj)), scale.get));
        f.do(v.store(at(wj), a.get));
        f.set(mean, v.madd(a.get, da.get, mean.get));
      });
    }
    for (const features of parts(headDim, mostFeatures / 2)) {
      const upstream = each(upstreams.query, features).map((value) => f.let('v128', 'upstream', value));
      const query = each(inputs.query, features).map((value) =>
        f.let('v128', 'query', v.mul(value, v.constant(1 / Math.sqrt(headDim)))),
      );
      const dQuery = features.map(() => f.let('v128', 'dQuery', v.constant(0)));
      overKeys(keys, () => {
        const a = f.let('v128', 'a', v.load(at(wj)));
        const addTo = (toFirst: number, factor: Local, others: readonly Local[]) => {
          for (const [i, d] of features.entries()) {
            const place = at(dKey, toFirst + d * vectorBytes);
            f.do(v.store(place, v.madd(factor.get, others[i].get, v.load(place))));
          }
        };
        addTo(toValues, a, upstream);
        const ds = f.let('v128', 'ds', v.mul(a.get, v.sub(v.load(at(daj)), mean.get)));
        for (const [i, value] of each(key, features, toKeys).entries())
          f.set(dQuery[i], v.madd(ds.get, value, dQuery[i].get));
        addTo(toKeys, ds, query);
      });
      for (const [i, d] of features.entries())
        f.do(v.store(at(gradients.query, d * vectorBytes), v.mul(dQuery[i].get, v.constant(1 / Math.sqrt(headDim)))));
    }
  });
  fromRows(f, v, l, { heads, blocks: 3, features: dQkv, rows: gradientRows, vectors });
  return f.text();
}
