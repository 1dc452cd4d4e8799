import type { ModelConfig } from '../../contract.ts';
import { updateEmbeddings } from './adam.ts';
import { attention, attentionGradient } from './attention.ts';
import { ConstantPool } from './constant-pool.ts';
import { crossEntropy } from './cross-entropy.ts';
import { embed, embedGradient } from './embedding.ts';
import { type Layout, layout } from './layout.ts';
import {
  type Finish,
  type GradientFlow,
  linearForward,
  linearInputGradient,
  linearWeightGradient,
  overPositionVectors,
  type Shape,
} from './linear.ts';
import { rmsnorm, rmsnormGradient } from './rmsnorm.ts';
import { fromRows, toRows } from './transpose.ts';
import { type Precision, vector } from './vector.ts';
import { call, FunctionWriter } from './wat.ts';

export interface KernelRequest {
  readonly model: ModelConfig;
  readonly precision: Precision;
  readonly batched: boolean;
  /** Fused multiply-add by relaxed SIMD. */
  readonly fused: boolean;
}

/** The stages of a batch's gradients: the only document of a batch of one, or the first, a middle, the last of many. */
export const stages = {
  only: { start: 'zero', end: 'adam' },
  first: { start: 'zero', end: 'stored' },
  middle: { start: 'stored', end: 'stored' },
  last: { start: 'stored', end: 'adam' },
} as const satisfies Record<string, GradientFlow>;

export type Stage = keyof typeof stages;

export function kernelLayout({ model, precision, batched, fused }: KernelRequest): Layout {
  return layout(model, vector(precision, fused), batched);
}

/** A whole training step for the exact sizes of a task, as WebAssembly text; it exports `<stage>(positions) → loss`. */
export function kernelText(request: KernelRequest): string {
  const constants = new ConstantPool();
  const v = vector(request.precision, request.fused, constants);
  const l = layout(request.model, v, request.batched);
  const { nEmbd, vocabSize } = l.model;
  const functions = new Map<string, string>();
  const define = (name: string, text: () => string): string => {
    if (!functions.has(name)) functions.set(name, text());
    return name;
  };

  const qkv: Shape = { outputs: 3 * nEmbd, inputs: nEmbd };
  const attnOut: Shape = { outputs: nEmbd, inputs: nEmbd };
  const fc1: Shape = { outputs: 4 * nEmbd, inputs: nEmbd };
  const fc2: Shape = { outputs: nEmbd, inputs: 4 * nEmbd };
  const head: Shape = { outputs: vocabSize, inputs: nEmbd };
  const suffix = (shape: Shape, finish: Finish) => `.${shape.outputs}x${shape.inputs}.${finish}`;
  const forward = (shape: Shape, finish: Finish): string => {
    const name = `linearForward${suffix(shape, finish)}`;
    const tile = (vectors: number) =>
      define(`${name}.${vectors}`, () => linearForward(`${name}.${vectors}`, v, l, shape, vectors, finish));
    return define(name, () => overPositionVectors(name, v, tile));
  };
  const inputGradient = (shape: Shape, finish: Finish): string => {
    const name = `linearInputGradient${suffix(shape, finish)}`;
    const tile = (vectors: number) =>
      define(`${name}.${vectors}`, () => linearInputGradient(`${name}.${vectors}`, v, l, shape, vectors, finish));
    return define(name, () => overPositionVectors(name, v, tile));
  };
  const weightGradient = (shape: Shape, stage: Stage): string => {
    const name = `linearWeightGradient.${shape.outputs}x${shape.inputs}.${stage}`;
    return define(name, () => linearWeightGradient(name, v, l, shape, stages[stage]));
  };
  const rows = (features: number) => define(`toRows.${features}`, () => toRows(`toRows.${features}`, v, l, features));

  define('embed', () => embed(v, l));
  define('embedGradient', () => embedGradient(v, l));
  define('rmsnorm', () => rmsnorm(v, l));
  define('rmsnormGradient', () => rmsnormGradient('rmsnormGradient', v, l, false));
  define('rmsnormGradient.residual', () => rmsnormGradient('rmsnormGradient.residual', v, l, true));
  define('attention', () => attention(v, l));
  define('attentionGradient', () => attentionGradient(v, l));
  define('crossEntropy', () => crossEntropy(v, l));
  define('updateEmbeddings', () => updateEmbeddings(v, l));
  define('fromRows', () => fromRows('fromRows', v, l, nEmbd));

  for (const stage of request.batched ? (['first', 'middle', 'last'] as const) : (['only'] as const))
    define(stage, () => trainDocument(stage));
  const pages = Math.ceil(l.totalBytes / 65536);
  return `(module (memory (export "memory") ${pages} ${pages}) ${constants.segment()}\n${[...functions.values()].join('\n')})`;

  function trainDocument(stage: Stage): string {
    const f = new FunctionWriter(stage);
    const positions = f.parameter('i32', 'positions');
    const vectors = f.let(
      'i32',
      'vectors',
      `(i32.shr_u (i32.add ${positions.get} (i32.const ${v.lanes - 1})) (i32.const ${Math.log2(v.lanes)}))`,
    );
    const t = positions.get;
    const p = vectors.get;
    const stream = (half: number): number => l.streams[half] ?? 0;

    f.do(call('embed', t, p));
    f.do(call('fromRows', l.embeddingRows, l.embedding, p));
    f.do(call('rmsnorm', l.embedding, stream(0), l.embeddingNormScale, p));
    for (const [i, layer] of l.layers.entries()) {
      f.do(call('rmsnorm', stream(2 * i), layer.attnNorm, layer.attnNormScale, p));
      f.do(call(forward(qkv, 'plain'), layer.attnWqkv, layer.attnNorm, layer.qkv, 0, p));
      f.do(call('attention', layer.qkv, layer.weights, layer.weightScale, layer.attnOut, p));
      f.do(call(forward(attnOut, 'residual'), layer.attnWo, layer.attnOut, stream(2 * i + 1), stream(2 * i), p));
      f.do(call('rmsnorm', stream(2 * i + 1), layer.mlpNorm, layer.mlpNormScale, p));
      f.do(call(forward(fc1, 'relu'), layer.mlpFc1, layer.mlpNorm, layer.hidden, 0, p));
      f.do(call(forward(fc2, 'residual'), layer.mlpFc2, layer.hidden, stream(2 * i + 2), stream(2 * i + 1), p));
    }
    const final = stream(2 * l.layers.length);
    f.do(call(forward(head, 'plain'), l.lmHead, final, l.logits, 0, p));
    const loss = f.let('f64', 'loss', call('crossEntropy', t, p));

    f.do(call(inputGradient(head, 'plain'), l.lmHead, l.logits, l.dStream, 0, p));
    f.do(call(rows(nEmbd), final, l.inputRows, p));
    f.do(call(weightGradient(head, stage), l.lmHead, l.logits, l.inputRows, t));
    for (const layer of [...l.layers].reverse()) {
      f.do(call(inputGradient(fc2, 'relu-gradient'), layer.mlpFc2, l.dStream, l.dHidden, layer.hidden, p));
      f.do(call(rows(4 * nEmbd), layer.hidden, l.inputRows, p));
      f.do(call(weightGradient(fc2, stage), layer.mlpFc2, l.dStream, l.inputRows, t));
      f.do(call(inputGradient(fc1, 'plain'), layer.mlpFc1, l.dHidden, l.dNorm, 0, p));
      f.do(call(rows(nEmbd), layer.mlpNorm, l.inputRows, p));
      f.do(call(weightGradient(fc1, stage), layer.mlpFc1, l.dHidden, l.inputRows, t));
      f.do(call('rmsnormGradient.residual', layer.mlpNorm, l.dNorm, layer.mlpNormScale, l.dStream, p));
      f.do(call(inputGradient(attnOut, 'plain'), layer.attnWo, l.dStream, l.dAttnOut, 0, p));
      f.do(call(rows(nEmbd), layer.attnOut, l.inputRows, p));
      f.do(call(weightGradient(attnOut, stage), layer.attnWo, l.dStream, l.inputRows, t));
      f.do(
        call('attentionGradient', layer.qkv, layer.weights, layer.weightScale, layer.attnOut, l.dAttnOut, l.dQkv, p),
      );
      f.do(call(inputGradient(qkv, 'plain'), layer.attnWqkv, l.dQkv, l.dNorm, 0, p));
      f.do(call(rows(nEmbd), layer.attnNorm, l.inputRows, p));
      f.do(call(weightGradient(qkv, stage), layer.attnWqkv, l.dQkv, l.inputRows, t));
      f.do(call('rmsnormGradient.residual', layer.attnNorm, l.dNorm, layer.attnNormScale, l.dStream, p));
    }
    f.do(call('rmsnormGradient', stream(0), l.dStream, l.embeddingNormScale, l.dNorm, p));
    f.do(call(rows(nEmbd), l.dNorm, l.embeddingRows, p));
    f.do(call('embedGradient', t));
    if (stages[stage].end === 'adam') f.do(call('updateEmbeddings'));
    f.do(loss.get);
    return f.text('f64');
  }
}
