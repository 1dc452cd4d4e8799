import { updateStored } from './adam.ts';
import { attention, attentionGradient } from './attention.ts';
import { ConstantPool } from './constant-pool.ts';
import { crossEntropy } from './cross-entropy.ts';
import { embed, embedGradient } from './embedding.ts';
import { type LayerLayout, layout } from './layout.ts';
import { type Direction, type Finish, product as matrixProduct, productTiles } from './linear.ts';
import { sumPartials } from './partial-sums.ts';
import { alone, type Share, sharesOf } from './plan.ts';
import { type KernelRequest, type Stage, stages } from './request.ts';
import { rmsnorm, rmsnormGradient } from './rmsnorm.ts';
import { toPanels } from './transpose.ts';
import { vector, vectorsOf } from './vector.ts';
import { call, FunctionWriter } from './wat.ts';
import { weightGradient as gradientOfWeights, tileHeight } from './weight-gradient.ts';

/**
 * A whole training step for the exact sizes of a task, as WebAssembly text. It exports
 * `<stage>.<phase>(columns, documents)` for each stage, and `updateStored`. A kernel that trains alone
 * has one phase. If a plan shares out features, all parts must end a phase before any part begins the next.
 */
export function kernelText(request: KernelRequest): string {
  const constants = new ConstantPool();
  const v = vector(request.precision, request.fused, constants);
  const plan = request.plan ?? alone;
  const l = layout(request.model, v, { documents: request.documents, plan });
  const { nEmbd, vocabSize, blockSize } = l.model;
  const { heads, headFeatures, hidden, tokens } = sharesOf(l.model, plan);
  const rowBytes = nEmbd * v.elementBytes;
  const shared = plan.share !== undefined;
  const functions = new Map<string, string>();
  const define = (name: string, text: () => string): string => {
    if (!functions.has(name)) functions.set(name, text());
    return name;
  };

  define('embed', () => embed(v, l));
  define('embedGradient', () => embedGradient(v, l));
  define('rmsnorm', () => rmsnorm(v, l));
  define('rmsnormGradient', () => rmsnormGradient('rmsnormGradient', v, l, false));
  define('rmsnormGradient.residual', () => rmsnormGradient('rmsnormGradient.residual', v, l, true));
  define('attention', () => attention(v, l, heads.count));
  define('attentionGradient', () => attentionGradient(v, l, heads.count));
  define('crossEntropy', () => crossEntropy(v, l));
  define('toPanels', () => toPanels(v, l));
  define('updateStored', () => updateStored(v, l));
  if (shared) {
    define('sumPartials', () => sumPartials('sumPartials', v, l, nEmbd, plan.parts, false));
    define('sumPartials.residual', () => sumPartials('sumPartials.residual', v, l, nEmbd, plan.parts, true));
    define('copyLogits', () => sumPartials('copyLogits', v, l, vocabSize, 1, false));
  }
  for (const stage of request.stages) trainDocuments(stage);

  const pages = Math.ceil(l.totalBytes / 65536);
  const memory =
    plan.parts > 1
      ? `(import "host" "memory" (memory ${pages} ${pages} shared))`
      : `(memory (export "memory") ${pages} ${pages})`;
  return `(module ${memory} ${constants.segment()}\n${[...functions.values()].join('\n')})`;

  function trainDocuments(stage: Stage): void {
    let phases = 0;
    let phase = beginPhase();
    function beginPhase() {
      const f = new FunctionWriter(`${stage}.${phases++}`);
      const [columns, documents] = [f.parameter('i32', 'columns'), f.parameter('i32', 'documents')];
      const vectors = f.let('i32', 'vectors', vectorsOf(v, columns.get));
      return { f, columns: columns.get, documents: documents.get, vectors: vectors.get };
    }
    const endPhase = () => {
      const { f } = phase;
      define(f.name, () => f.text());
    };
    /** The code after this needs the results of all parts. */
    const nextPhase = () => {
      endPhase();
      phase = beginPhase();
    };
    const row = l.strideBytes;
    const run = (name: string, ...args: number[]) => phase.f.do(call(name, ...args, phase.vectors));
    const product = (m: Matrix, direction: Direction, finish: Finish, x: number, y: number, extra = 0) => {
      const name = `product.${direction}.${m.rows}.${finish}`;
      define(name, () =>
        matrixProduct(name, v, l, m.rows, direction, (rows, n) => {
          const tiles = `tiles.${direction}.${finish}.${rows}x${n}`;
          return define(tiles, () => productTiles(tiles, v, l, direction, rows, n, finish));
        }),
      );
      run(name, m.address, x, y, extra);
    };
    /** y = W x as W is stored, after `finish`. */
    const along = (m: Matrix, finish: Finish, x: number, y: number, extra?: number) =>
      product(m, 'along', finish, x, y, extra);
    /** y = Wᵀ x as W is stored, after `finish`. */
    const down = (m: Matrix, finish: Finish, x: number, y: number, extra?: number) =>
      product(m, 'down', finish, x, y, extra);
    /** Keeps nEmbd features for the gradients of all matrices that they go into or come from. */
    const keepPanels = (features: number) => run('toPanels', features, l.panels);
    const bands = new Set<string>();
    /** The gradient from the panels last kept and the features on the other side, and Adam; `finishWeights` updates the last tile. */
    const weightGradient = (m: Matrix, factors: number) => {
      const height = tileHeight(v, l);
      const band = (first: number, rows: number, groups: number) => {
        if (rows * groups === 0) return;
        const name = `weightGradient.${rows}.${stage}`;
        bands.add(define(name, () => gradientOfWeights(name, v, l, rows, stages[stage])));
        const from = [m.address + first * rowBytes, factors + first * row];
        phase.f.do(call(name, ...from, l.panels, phase.columns, groups));
      };
      const groups = Math.floor(m.rows / height);
      band(0, height, groups);
      band(groups * height, m.rows % height, 1);
    };
    const finishWeights = () => {
      if (stages[stage].end === 'adam') for (const name of bands) phase.f.do(call(`${name}.finish`));
    };

    let sums = 0;
    /** A sum over features that are shared out: each part writes its share, and then each adds up all shares. */
    const addUp = (compute: (to: number, finish: Finish) => void, to: number, extra?: number) => {
      if (!shared) return compute(to, extra === undefined ? 'plain' : 'residual');
      const partials = l.partials[sums++ % 2];
      compute(partials + plan.part * l.areaBytes, 'plain');
      nextPhase();
      run(extra === undefined ? 'sumPartials' : 'sumPartials.residual', partials, to, extra ?? 0);
    };

    const lmHead = rowsOf(l.lmHead, tokens);
    const stream = l.streams;
    const final = stream[2 * l.layers.length];
    run('embed', l.embedding);
    run('rmsnorm', l.embedding, stream[0], l.embeddingScale);
    const parts = l.layers.map((layer) => layerMatrices(layer));
    for (const [i, layer] of l.layers.entries()) {
      const { attnWqkv, attnWo, mlpFc1, mlpFc2 } = parts[i];
      run('rmsnorm', stream[2 * i], layer.attnNorm, layer.attnNormScale);
      for (const { matrix, below } of attnWqkv) along(matrix, 'plain', layer.attnNorm, l.qkv + below);
      const attnOut = layer.attnOut + headFeatures.from * row;
      const kept = [layer.qkvRows, layer.attnWeights, layer.attnWeightScale];
      phase.f.do(call('attention', l.qkv + headFeatures.from * row, ...kept, attnOut, phase.vectors, phase.documents));
      addUp((to, finish) => down(attnWo, finish, attnOut, to, stream[2 * i]), stream[2 * i + 1], stream[2 * i]);
      run('rmsnorm', stream[2 * i + 1], layer.mlpNorm, layer.mlpNormScale);
      const own = layer.hidden + hidden.from * row;
      along(mlpFc1, 'relu', layer.mlpNorm, own);
      addUp((to, finish) => down(mlpFc2, finish, own, to, stream[2 * i + 1]), stream[2 * i + 2], stream[2 * i + 1]);
    }
    along(lmHead, 'plain', final, l.sharedLogits + tokens.from * row);
    if (shared) {
      nextPhase();
      run('copyLogits', l.sharedLogits, l.logits, 0);
    }
    phase.f.do(call('crossEntropy', phase.vectors, phase.documents));

    const dLogits = l.logits + tokens.from * row;
    addUp((to) => down(lmHead, 'plain', dLogits, to), l.dStream);
    keepPanels(final);
    weightGradient(lmHead, dLogits);
    for (const [i, layer] of [...l.layers.entries()].reverse()) {
      const { attnWqkv, attnWo, mlpFc1, mlpFc2 } = parts[i];
      const own = layer.hidden + hidden.from * row;
      const dHidden = l.dHidden + hidden.from * row;
      along(mlpFc2, 'relu-gradient', l.dStream, dHidden, own);
      keepPanels(l.dStream);
      weightGradient(mlpFc2, own);
      addUp((to) => down(mlpFc1, 'plain', dHidden, to), l.dNorm);
      keepPanels(layer.mlpNorm);
      weightGradient(mlpFc1, dHidden);
      run('rmsnormGradient.residual', layer.mlpNorm, l.dNorm, layer.mlpNormScale, l.dStream);

      const dHeads = headFeatures.from * row;
      along(attnWo, 'plain', l.dStream, l.dAttnOut + dHeads);
      keepPanels(l.dStream);
      weightGradient(attnWo, layer.attnOut + dHeads);
      const kept = [layer.qkvRows, layer.attnWeights, layer.attnWeightScale];
      const gradients = [l.dAttnOut + dHeads, l.qkv + dHeads];
      phase.f.do(call('attentionGradient', ...kept, ...gradients, phase.vectors, phase.documents));
      addUp((to) => {
        for (const [block, { matrix, below }] of attnWqkv.entries())
          down(matrix, block === 0 ? 'plain' : 'residual', l.qkv + below, to, to);
      }, l.dNorm);
      keepPanels(layer.attnNorm);
      for (const { matrix, below } of attnWqkv) weightGradient(matrix, l.qkv + below);
      run('rmsnormGradient.residual', layer.attnNorm, l.dNorm, layer.attnNormScale, l.dStream);
    }
    finishWeights();
    // The embeddings' gradient is too little work to share out.
    if (!shared || plan.part === 0) {
      run('rmsnormGradient', stream[0], l.dStream, l.embeddingScale, l.dNorm);
      run('embedGradient', l.dNorm);
      const embeddingVectors = ((vocabSize + blockSize) * nEmbd) / v.lanes;
      if (stages[stage].end === 'adam') phase.f.do(call('updateStored', l.parameters, embeddingVectors));
    }
    endPhase();
  }

  function rowsOf(address: number, { from, count }: Share): Matrix {
    return { address: address + from * rowBytes, rows: count };
  }

  /**
   * This kernel's part of a layer's matrices. To a kernel with all heads, attn_wq, attn_wk and attn_wv are one matrix.
   * Otherwise it has the rows of its heads in each.
   */
  function layerMatrices(layer: LayerLayout) {
    const { from, count } = headFeatures;
    const attnWqkv = shared
      ? [0, 1, 2].map((block) => ({ from: block * nEmbd + from, count }))
      : [{ from: 0, count: 3 * nEmbd }];
    return {
      attnWqkv: attnWqkv.map((rows) => ({
        matrix: rowsOf(layer.attnWqkv, rows),
        below: rows.from * l.strideBytes,
      })),
      attnWo: rowsOf(layer.attnWo, headFeatures),
      mlpFc1: rowsOf(layer.mlpFc1, hidden),
      mlpFc2: rowsOf(layer.mlpFc2, hidden),
    };
  }
}

/** A weight matrix as it is stored, or this kernel's rows of one: `[rows][nEmbd]`. */
interface Matrix {
  readonly address: number;
  readonly rows: number;
}
