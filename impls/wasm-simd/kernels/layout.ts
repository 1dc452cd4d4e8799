import type { ModelConfig } from '../../contract.ts';
import { ConstantPool } from './constant-pool.ts';
import type { Vector } from './vector.ts';

/** Byte addresses of one layer's parameters and of what its forward pass keeps for the backward pass. */
export interface LayerLayout {
  /** wq, wk and wv lie end to end, so they are one `[3 · nEmbd, nEmbd]` matrix. */
  readonly attnWqkv: number;
  readonly attnWo: number;
  readonly mlpFc1: number;
  readonly mlpFc2: number;
  /** rmsnorm's output and scale, before attention and before the mlp. */
  readonly attnNorm: number;
  readonly attnNormScale: number;
  readonly mlpNorm: number;
  readonly mlpNormScale: number;
  readonly qkv: number;
  /** Attention weights before they are scaled, `[nHead][key position][query position]`. */
  readonly weights: number;
  /** What to multiply a position's weights with, so that they add up to 1: `[nHead][query position]`. */
  readonly weightScale: number;
  readonly attnOut: number;
  /** relu's output, `[4 · nEmbd]`. */
  readonly hidden: number;
}

/**
 * Where everything lies in linear memory. Activations are `[feature][position]` with `strideBytes` from one feature to
 * the next: positions are the lanes, padded to whole vectors.
 */
export interface Layout {
  readonly model: ModelConfig;
  readonly strideBytes: number;
  /** Three numbers the host writes before each step: Adam's rate, Adam's ε, and the weight of a position in the loss. */
  readonly rate: number;
  readonly epsilon: number;
  readonly lossScale: number;
  /** Adam's β and floor, as elements. */
  readonly beta1: number;
  readonly beta2: number;
  readonly floor: number;
  /** Token ids of one document, int32. */
  readonly tokens: number;
  readonly parameterCount: number;
  readonly parameters: number;
  readonly wpe: number;
  readonly lmHead: number;
  /** From a parameter to its first moment, its second moment, and its gradient. */
  readonly toFirstMoment: number;
  readonly toSecondMoment: number;
  readonly toGradient: number;
  /** How many gradients are stored: all for a batch, else only the embeddings', which are gathered by token. */
  readonly gradientCount: number;
  readonly layers: readonly LayerLayout[];
  /** The residual stream `[nEmbd]`, in front of the first layer, then after every half layer, and its gradient. */
  readonly embedding: number;
  readonly embeddingNormScale: number;
  readonly streams: readonly number[];
  /** The input of the linear layer at hand, as rows of features `[position][feature]`, for its weight gradient. */
  readonly inputRows: number;
  readonly dStream: number;
  readonly dNorm: number;
  readonly dQkv: number;
  readonly dAttnOut: number;
  readonly dHidden: number;
  readonly embeddingRows: number;
  readonly logits: number;
  readonly logSumExp: number;
  readonly totalBytes: number;
}

const lineBytes = 64;

/** Lays out a task's memory, one array after the other, each on a cache line of its own. */
export function layout(model: ModelConfig, v: Vector, batched: boolean): Layout {
  const { nEmbd, nHead, nLayer, blockSize, vocabSize } = model;
  const bytes = v.elementBytes;
  let next = ConstantPool.endBytes;
  const take = (sizeBytes: number): number => {
    const address = next;
    next += Math.ceil(sizeBytes / lineBytes) * lineBytes;
    return address;
  };
  const positions = Math.ceil(blockSize / v.lanes) * v.lanes;
  // A stride of a large power of two would put all features of a position into the same few cache sets.
  const strideBytes = positions * bytes + ((positions * bytes) % 256 === 0 ? lineBytes : 0);
  const features = (count: number) => take(count * strideBytes);
  const rows = (count: number) => take(positions * count * bytes);

  const numbers = take(8 * bytes);
  const tokens = take((blockSize + 1) * 4);
  const matrix = nEmbd * nEmbd;
  const embeddingCount = (vocabSize + blockSize) * nEmbd;
  const parameterCount = embeddingCount + vocabSize * nEmbd + nLayer * 12 * matrix;
  const gradientCount = batched ? parameterCount : embeddingCount;
  const parameters = take(parameterCount * bytes);
  const firstMoment = take(parameterCount * bytes);
  const secondMoment = take(parameterCount * bytes);
  const gradients = take(gradientCount * bytes);

  const layers = Array.from({ length: nLayer }, (_, layer): LayerLayout => {
    const start = parameters + (embeddingCount + vocabSize * nEmbd + layer * 12 * matrix) * bytes;
    return {
      attnWqkv: start,
      attnWo: start + 3 * matrix * bytes,
      mlpFc1: start + 4 * matrix * bytes,
      mlpFc2: start + 8 * matrix * bytes,
      attnNorm: features(nEmbd),
      attnNormScale: features(1),
      mlpNorm: features(nEmbd),
      mlpNormScale: features(1),
      qkv: features(3 * nEmbd),
      weights: features(nHead * positions),
      weightScale: features(nHead),
      attnOut: features(nEmbd),
      hidden: features(4 * nEmbd),
    };
  });

  return {
    model,
    strideBytes,
    rate: numbers,
    epsilon: numbers + bytes,
    lossScale: numbers + 2 * bytes,
    beta1: numbers + 3 * bytes,
    beta2: numbers + 4 * bytes,
    floor: numbers + 5 * bytes,
    tokens,
    parameterCount,
    parameters,
    wpe: parameters + vocabSize * nEmbd * bytes,
    lmHead: parameters + embeddingCount * bytes,
    toFirstMoment: firstMoment - parameters,
    toSecondMoment: secondMoment - parameters,
    toGradient: gradients - parameters,
    gradientCount,
    layers,
    embedding: features(nEmbd),
    embeddingNormScale: features(1),
    streams: Array.from({ length: 2 * nLayer + 1 }, () => features(nEmbd)),
    inputRows: rows(4 * nEmbd),
    dStream: features(nEmbd),
    dNorm: features(nEmbd),
    dQkv: features(3 * nEmbd),
    dAttnOut: features(nEmbd),
    dHidden: features(4 * nEmbd),
    embeddingRows: rows(nEmbd),
    logits: features(vocabSize),
    logSumExp: features(1),
    totalBytes: next,
  };
}
