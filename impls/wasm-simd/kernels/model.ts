import { updateStored } from './adam.ts';
import { attention, attentionGradient } from './attention.ts';
import { barrier } from './barrier.ts';
import { ConstantPool } from './constant-pool.ts';
import { crossEntropy } from './cross-entropy.ts';
import { featureShares, type Share, undivided } from './division.ts';
import { clearEmbeddingGradient, embed, embedGradient } from './embedding.ts';
import { type LayerLayout, layout } from './layout.ts';
import { type Finish, linearForward, linearInputGradient, overPositionVectors, type Shape } from './linear.ts';
import { sumPartials } from './partial-sums.ts';
import { type KernelRequest, type Stage, stages } from './request.ts';
import { rmsnorm, rmsnormGradient } from './rmsnorm.ts';
import { fromRows, toRows } from './transpose.ts';
import { vector } from './vector.ts';
import { call, FunctionWriter, i32 } from './wat.ts';
import { weightGradient as weightGradientOf } from './weight-gradient.ts';

/**
 * A whole training step for the exact sizes of a task, as WebAssembly text. It exports `<stage>(positions) → loss` for the
 * stages it can be asked for, and `updateStored` and `barrier` for threads that divide a batch.
 */
export function kernelText(request: KernelRequest): string {
  const constants = new ConstantPool();
  const v = vector(request.precision, request.fused, constants);
  const division = request.division ?? undivided;
  const l = layout(request.model, v, request.batched, division);
  const { nEmbd, vocabSize } = l.model;
  const functions = new Map<string, string>();
  const define = (name: string, text: () => string): string => {
    if (!functions.has(name)) functions.set(name, text());
    return name;
  };

  const { heads, headFeatures, hidden, tokens } = featureShares(request.model, division);
  const threads = division.by === 'features' ? division.threads : 1;
  define('embed', () => embed(v, l));
  define('embedGradient', () => embedGradient(v, l));
  define('clearEmbeddingGradient', () => clearEmbeddingGradient(v, l));
  define('rmsnorm', () => rmsnorm(v, l));
  define('rmsnormGradient', () => rmsnormGradient('rmsnormGradient', v, l, false));
  define('rmsnormGradient.residual', () => rmsnormGradient('rmsnormGradient.residual', v, l, true));
  define('attention', () => attention(v, l, heads.count));
  define('attentionGradient', () => attentionGradient(v, l, heads.count));
  define('crossEntropy', () => crossEntropy(v, l));
  define('updateStored', () => updateStored(v, l));
  define('fromRows', () => fromRows('fromRows', v, l, nEmbd));
  define(`toRows.${nEmbd}`, () => toRows(`toRows.${nEmbd}`, v, l, nEmbd));
  if (threads > 1) {
    define('sumPartials', () => sumPartials('sumPartials', v, l, nEmbd, threads, false));
    define('sumPartials.residual', () => sumPartials('sumPartials.residual', v, l, nEmbd, threads, true));
    define('copyLogits', () => sumPartials('copyLogits', v, l, vocabSize, 1, false));
  }
  if (division.threads > 1) define('barrier', () => barrier(l, division.threads));
  for (const stage of stagesOf(request)) define(stage, () => trainDocument(stage));

  const pages = Math.ceil(l.totalBytes / 65536);
  const memory =
    division.threads > 1
      ? `(import "host" "memory" (memory ${pages} ${pages} shared))`
      : `(memory (export "memory") ${pages} ${pages})`;
  return `(module ${memory} ${constants.segment()}\n${[...functions.values()].join('\n')})`;

  function trainDocument(stage: Stage): string {
    const f = new FunctionWriter(stage);
    const positions = f.parameter('i32', 'positions');
    const vectors = f.let(
      'i32',
      'vectors',
      `(i32.shr_u ${i32.add(positions.get, i32.constant(v.lanes - 1))} (i32.const ${Math.log2(v.lanes)}))`,
    );
    const [t, p] = [positions.get, vectors.get];
    const row = l.strideBytes;
    const stream = (half: number): number => l.streams[half] ?? 0;
    const run = (name: string, ...args: number[]) => f.do(call(name, ...args, p));
    const tiled = (name: string, tile: (name: string, vectors: number) => string) =>
      define(name, () => overPositionVectors(name, v, (n) => define(`${name}.${n}`, () => tile(`${name}.${n}`, n))));

    /** y = W x, or what `finish` makes of it. */
    const forward = (m: Matrix, finish: Finish, x: number, y: number, extra = 0) => {
      const name = tiled(`linearForward.${nameOf(m)}.${finish}`, (tile, n) => linearForward(tile, v, l, m, n, finish));
      run(name, m.address, x, y, extra);
    };
    /** dx = Wᵀ dy, or what `finish` makes of it. */
    const inputGradient = (m: Matrix, finish: Finish, dy: number, dx: number, extra = 0) => {
      const name = tiled(`linearInputGradient.${nameOf(m)}.${finish}`, (tile, n) =>
        linearInputGradient(tile, v, l, m, n, finish),
      );
      run(name, m.address, dy, dx, extra);
    };
    /** dW = dy xᵀ, and Adam. */
    const weightGradient = (m: Matrix, dy: number, x: number) => {
      const name = `weightGradient.${nameOf(m)}.${stage}`;
      define(name, () => weightGradientOf(name, v, l, m, stages[stage]));
      define(`toRows.${m.inputs}`, () => toRows(`toRows.${m.inputs}`, v, l, m.inputs));
      run(`toRows.${m.inputs}`, x, l.inputRows);
      f.do(call(name, m.address, dy, l.inputRows, t));
    };

    let sums = 0;
    /** A sum over features that threads divide: each leaves its part, and all add up all parts. */
    const addUp = (compute: (to: number, finish: Finish) => void, to: number, extra?: number) => {
      if (threads === 1) return compute(to, extra === undefined ? 'plain' : 'residual');
      const place = sums++ % 2;
      compute(l.ownPartials[place] ?? 0, 'plain');
      f.do(call('barrier'));
      run(extra === undefined ? 'sumPartials' : 'sumPartials.residual', l.partials[place] ?? 0, to, extra ?? 0);
    };

    const lmHead = rowsOf(l.lmHead, nEmbd, tokens);
    const final = stream(2 * l.layers.length);
    if (threads > 1) f.do(call('barrier'));
    f.do(call('embed', t, p));
    run('fromRows', l.embeddingRows, l.embedding);
    run('rmsnorm', l.embedding, stream(0), l.embeddingNormScale);
    const parts = l.layers.map((layer) => layerMatrices(layer));
    for (const [i, layer] of l.layers.entries()) {
      const { attnWqkv, attnWo, mlpFc1, mlpFc2 } = parts[i] ?? layerMatrices(layer);
      run('rmsnorm', stream(2 * i), layer.attnNorm, layer.attnNormScale);
      for (const { matrix, down } of attnWqkv) forward(matrix, 'plain', layer.attnNorm, layer.qkv + down);
      if (heads.count > 0) run('attention', ...attentionInputs(layer));
      const attnOut = layer.attnOut + headFeatures.from * row;
      addUp((to, finish) => forward(attnWo, finish, attnOut, to, stream(2 * i)), stream(2 * i + 1), stream(2 * i));
      run('rmsnorm', stream(2 * i + 1), layer.mlpNorm, layer.mlpNormScale);
      const own = layer.hidden + hidden.from * row;
      forward(mlpFc1, 'relu', layer.mlpNorm, own);
      addUp((to, finish) => forward(mlpFc2, finish, own, to, stream(2 * i + 1)), stream(2 * i + 2), stream(2 * i + 1));
    }
    forward(lmHead, 'plain', final, l.sharedLogits + tokens.from * row);
    if (threads > 1) {
      f.do(call('barrier'));
      run('copyLogits', l.sharedLogits, l.logits, 0);
    }
    const loss = f.let('f64', 'loss', call('crossEntropy', t, p));

    const dLogits = l.logits + tokens.from * row;
    addUp((to) => inputGradient(lmHead, 'plain', dLogits, to), l.dStream);
    weightGradient(lmHead, dLogits, final);
    for (const [i, layer] of [...l.layers.entries()].reverse()) {
      const { attnWqkv, attnWo, mlpFc1, mlpFc2 } = parts[i] ?? layerMatrices(layer);
      const own = layer.hidden + hidden.from * row;
      const dHidden = l.dHidden + hidden.from * row;
      inputGradient(mlpFc2, 'relu-gradient', l.dStream, dHidden, own);
      weightGradient(mlpFc2, l.dStream, own);
      addUp((to) => inputGradient(mlpFc1, 'plain', dHidden, to), l.dNorm);
      weightGradient(mlpFc1, dHidden, layer.mlpNorm);
      run('rmsnormGradient.residual', layer.mlpNorm, l.dNorm, layer.mlpNormScale, l.dStream);

      const attnOut = layer.attnOut + headFeatures.from * row;
      inputGradient(attnWo, 'plain', l.dStream, l.dAttnOut + headFeatures.from * row);
      weightGradient(attnWo, l.dStream, attnOut);
      const dHeads = headFeatures.from * row;
      if (heads.count > 0) run('attentionGradient', ...attentionInputs(layer), l.dAttnOut + dHeads, l.dQkv + dHeads);
      addUp((to) => {
        for (const [block, { matrix, down }] of attnWqkv.entries())
          inputGradient(matrix, block === 0 ? 'plain' : 'added', l.dQkv + down, to);
      }, l.dNorm);
      for (const { matrix, down } of attnWqkv) weightGradient(matrix, l.dQkv + down, layer.attnNorm);
      run('rmsnormGradient.residual', layer.attnNorm, l.dNorm, layer.attnNormScale, l.dStream);
    }
    // The embeddings' gradient is too little to divide.
    if (threads === 1 || division.thread === 0) {
      if (stages[stage].start === 'zero') f.do(call('clearEmbeddingGradient'));
      run('rmsnormGradient', stream(0), l.dStream, l.embeddingNormScale, l.dNorm);
      run(`toRows.${nEmbd}`, l.dNorm, l.embeddingRows);
      f.do(call('embedGradient', t));
      const embeddingVectors = ((vocabSize + l.model.blockSize) * nEmbd) / v.lanes;
      if (stages[stage].end === 'adam') f.do(call('updateStored', l.parameters, embeddingVectors));
    }
    if (threads > 1) f.do(call('barrier'));
    f.do(loss.get);
    return f.text('f64');
  }

  /** Where a layer's attention reads and writes, from this thread's first head on. */
  function attentionInputs(layer: LayerLayout): number[] {
    const down = headFeatures.from * l.strideBytes;
    const weightsDown = heads.from * Math.ceil(l.model.blockSize / v.lanes) * v.lanes * l.strideBytes;
    return [
      layer.qkv + down,
      layer.weights + weightsDown,
      layer.weightScale + heads.from * l.strideBytes,
      layer.attnOut + down,
    ];
  }

  /** These rows of a matrix with so many columns. */
  function rowsOf(address: number, inputs: number, { from, count }: Share): Matrix {
    return { address: address + from * inputs * v.elementBytes, outputs: count, inputs };
  }

  /** These columns of a matrix with so many rows, which lie in one piece: see `storageOrder`. */
  function columnsOf(address: number, outputs: number, { from, count }: Share): Matrix {
    return { address: address + from * outputs * v.elementBytes, outputs, inputs: count };
  }

  /**
   * This thread's part of a layer's matrices: rows of those whose outputs are divided, columns of those whose inputs are.
   * wq, wk and wv are one matrix to a thread that has all heads; else there are rows for its heads in each.
   */
  function layerMatrices(layer: LayerLayout) {
    const { from, count } = headFeatures;
    const attnWqkv =
      threads === 1
        ? [{ from: 0, count: 3 * nEmbd }]
        : [0, 1, 2].map((block) => ({ from: block * nEmbd + from, count }));
    return {
      attnWqkv: attnWqkv.map((rows) => ({
        matrix: rowsOf(layer.attnWqkv, nEmbd, rows),
        down: rows.from * l.strideBytes,
      })),
      attnWo: columnsOf(layer.attnWo, nEmbd, headFeatures),
      mlpFc1: rowsOf(layer.mlpFc1, nEmbd, hidden),
      mlpFc2: columnsOf(layer.mlpFc2, nEmbd, hidden),
    };
  }
}

/** A weight matrix, or a thread's part of one, in memory. */
interface Matrix extends Shape {
  readonly address: number;
}

function nameOf({ outputs, inputs }: Shape): string {
  return `${outputs}x${inputs}`;
}

function stagesOf({ batched, division }: KernelRequest): Stage[] {
  if (!batched) return ['only'];
  return division === undefined ? ['first', 'middle', 'last'] : ['first', 'middle'];
}
