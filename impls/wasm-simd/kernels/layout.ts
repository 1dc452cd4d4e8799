import type { ModelConfig } from '../../contract.ts';
import { ConstantPool } from './constant-pool.ts';
import { type Division, undivided } from './division.ts';
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
  /** Three int32: threads that have arrived at the barrier, how often it has opened, and threads that sleep at it. */
  readonly barrier: number;
  /** Token ids of one document, int32. */
  readonly tokens: number;
  readonly parameterCount: number;
  readonly parameters: number;
  readonly wpe: number;
  /** A tile of parameters that are zero and stay so: what the first tile of a matrix finds to be updated. */
  readonly noTile: number;
  readonly lmHead: number;
  /** From a parameter to its first moment, its second moment, its gradient, and the gradients of all threads. */
  readonly toFirstMoment: number;
  readonly toSecondMoment: number;
  readonly toGradient: number;
  readonly toGradients: readonly number[];
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
  /**
   * Where threads that divide features leave their parts of a sum, `[threads][nEmbd]`: two such places, used in turn, so
   * that one is written while a slower thread still reads the other. First all threads' parts, then this thread's own.
   */
  readonly partials: readonly number[];
  readonly ownPartials: readonly number[];
  readonly partialBytes: number;
  /** Logits as all threads together have computed them. */
  readonly sharedLogits: number;
  readonly totalBytes: number;
}

const lineBytes = 64;

/** Lays out a task's memory, one array after the other, each on cache lines of its own. */
export function layout(model: ModelConfig, v: Vector, batched: boolean, division: Division = undivided): Layout {
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

  const matrix = nEmbd * nEmbd;
  const embeddingCount = (vocabSize + blockSize) * nEmbd;
  const parameterCount = embeddingCount + vocabSize * nEmbd + nLayer * 12 * matrix;
  const gradientCount = batched ? parameterCount : embeddingCount;
  const numbers = take(5 * bytes);
  const barrier = take(12);
  // Parameters and moments end with room for one tile that belongs to no matrix.
  const numbersOf = () => take((parameterCount + 16 * nEmbd) * bytes);
  const [parameters, firstMoment, secondMoment] = [numbersOf(), numbersOf(), numbersOf()];

  const activations = () => ({
    lossScale: take(bytes),
    tokens: take((blockSize + 1) * 4),
    gradients: take(gradientCount * bytes),
    layers: Array.from({ length: nLayer }, (_, layer): LayerLayout => {
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
    }),
    embedding: features(nEmbd),
    embeddingNormScale: features(1),
    streams: Array.from({ length: 2 * nLayer + 1 }, () => features(nEmbd)),
    dStream: features(nEmbd),
    dNorm: features(nEmbd),
    dQkv: features(3 * nEmbd),
    dAttnOut: features(nEmbd),
    dHidden: features(4 * nEmbd),
    embeddingRows: rows(nEmbd),
    inputRows: rows(4 * nEmbd),
    logits: features(vocabSize),
    logSumExp: features(1),
  });
  const partial = () => features(nEmbd);

  /** One copy of a part of memory for each thread, and which of them is this thread's. */
  const perThread = <T>(part: () => T): { own: T; all: T[] } => {
    const all = Array.from({ length: division.threads }, part);
    const own = all[division.thread];
    if (own === undefined) throw new RangeError(`no thread ${division.thread} of ${division.threads}`);
    return { own, all };
  };
  const { own, all } = perThread(activations);
  const shared = division.by === 'features' && division.threads > 1;
  const partials = shared ? ([perThread(partial), perThread(partial)] as const) : undefined;
  const sharedLogits = shared ? features(vocabSize) : own.logits;

  return {
    model,
    strideBytes,
    rate: numbers,
    epsilon: numbers + bytes,
    beta1: numbers + 2 * bytes,
    beta2: numbers + 3 * bytes,
    floor: numbers + 4 * bytes,
    barrier,
    parameterCount,
    parameters,
    noTile: parameters + Math.ceil((parameterCount * bytes) / lineBytes) * lineBytes,
    wpe: parameters + vocabSize * nEmbd * bytes,
    lmHead: parameters + embeddingCount * bytes,
    toFirstMoment: firstMoment - parameters,
    toSecondMoment: secondMoment - parameters,
    toGradient: own.gradients - parameters,
    toGradients: (division.by === 'documents' ? all : [own]).map((part) => part.gradients - parameters),
    gradientCount,
    ...own,
    partials: partials?.map(({ all: [first] }) => first ?? 0) ?? [],
    ownPartials: partials?.map((part) => part.own) ?? [],
    partialBytes: nEmbd * strideBytes,
    sharedLogits,
    totalBytes: next,
  };
}
