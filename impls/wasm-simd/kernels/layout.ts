import type { ModelConfig } from '../../contract.ts';
import { ConstantPool } from './constant-pool.ts';
import { alone, type Plan } from './plan.ts';
import type { Vector } from './vector.ts';

/** Byte addresses of one layer's parameters, and of the results that its forward pass keeps for the backward pass. */
export interface LayerLayout {
  /** attn_wq, attn_wk and attn_wv lie end to end, so they are one `[3 · nEmbd, nEmbd]` matrix. */
  readonly attnWqkv: number;
  readonly mlpFc1: number;
  /** Stored transposed: `[nEmbd, nEmbd]` and `[4 · nEmbd, nEmbd]`. */
  readonly attnWo: number;
  readonly mlpFc2: number;
  /** rmsnorm's output and scale, before attention and before the mlp. */
  readonly attnNorm: number;
  readonly attnNormScale: number;
  readonly mlpNorm: number;
  readonly mlpNormScale: number;
  /** Queries, keys and values, and the attention weights, as {@link attention} writes them. */
  readonly qkvRows: number;
  readonly attnWeights: number;
  readonly attnWeightScale: number;
  readonly attnOut: number;
  /** relu's output, `[4 · nEmbd]`. */
  readonly hidden: number;
}

/**
 * Addresses in linear memory. Activations are `[feature][column]`. A column is one position of one document. Documents
 * lie side by side without gaps. Columns are the lanes. The rest of the last vector of columns is zero. All matrices are stored
 * with rows of nEmbd numbers: see {@link storageOrder}.
 *
 * The features of one vector of columns lie together, so that a product reads whole cache lines in order. They are a record: from
 * one feature to the next are `strideBytes`, from one vector of columns to the next `recordBytes`, whatever the number of features.
 * An area has a record for each vector of columns. Small arrays of features share one.
 */
export interface Layout {
  readonly model: ModelConfig;
  readonly strideBytes: number;
  readonly recordBytes: number;
  readonly areaBytes: number;
  /** One number each: Adam's rate and ε, which the host writes before each step, and its β and floor. */
  readonly rate: number;
  readonly epsilon: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly floor: number;
  /** Float64: the sum of the losses of the last documents; a document's loss is the mean over its positions. */
  readonly loss: number;
  /** Int32 pairs, one for each document: its first column in bytes, and its number of positions. */
  readonly documents: number;
  /** Int32, one for each column: the addresses of its rows of wte and wpe and of its target's logit. */
  readonly tokenRows: number;
  readonly positionRows: number;
  readonly targets: number;
  /** Weight of a column in the loss, `[column]`; zero for padding. */
  readonly lossScale: number;
  readonly parameterCount: number;
  readonly parameters: number;
  readonly wpe: number;
  readonly lmHead: number;
  /**
   * A tile of parameters that are zero and stay zero. The first weight gradient has no tile before it, so it updates this one.
   * Padding columns use it as their rows of wte and wpe.
   */
  readonly noTile: number;
  /** Distance from a parameter to its first moment, its second moment, its gradient, and the gradients of all parts of a plan. */
  readonly toFirstMoment: number;
  readonly toSecondMoment: number;
  readonly toGradient: number;
  readonly toGradients: readonly number[];
  readonly layers: readonly LayerLayout[];
  /** The sum of both embeddings `[nEmbd]`, and the scale of its norm. */
  readonly embedding: number;
  readonly embeddingScale: number;
  /** The residual stream `[nEmbd]` before the first layer and after every half layer, and its gradient. */
  readonly streams: readonly number[];
  readonly dStream: number;
  /** What the weight gradients of the current matrices read in order: see {@link toPanels}. */
  readonly panels: number;
  readonly columnCapacity: number;
  readonly dNorm: number;
  /** The current layer's queries, keys and values, and later their gradients. */
  readonly qkv: number;
  /** Attention's result and later its gradient, the gradients of queries, keys and values, and those of one query's weights: see {@link attention}. */
  readonly outRows: number;
  readonly gradientRows: number;
  readonly weightGradients: number;
  readonly dAttnOut: number;
  readonly dHidden: number;
  readonly logits: number;
  readonly logSumExp: number;
  readonly targetLogits: number;
  /**
   * The parts of a plan write their parts of a sum here, each to an area. There are two such places, used in turn: one can
   * be written while a slower part still reads the other.
   */
  readonly partials: readonly number[];
  /** Logits that all parts of a plan have computed together. */
  readonly sharedLogits: number;
  /** Memory that only this kernel writes: its tables, gradients and activations. Only a batch stores gradients of matrices. */
  readonly own: { readonly address: number; readonly bytes: number };
  readonly totalBytes: number;
}

/** What a layout depends on besides the model. */
export interface LayoutOptions {
  readonly documents: number;
  readonly plan?: Plan | undefined;
}

const lineBytes = 64;
const roundUp = (value: number, multiple: number) => Math.ceil(value / multiple) * multiple;

/** Lays out a task's memory: one array after the other, each with its own cache lines. */
export function layout(model: ModelConfig, v: Vector, { documents, plan = alone }: LayoutOptions): Layout {
  const { nEmbd, nHead, nLayer, blockSize, vocabSize } = model;
  const bytes = v.elementBytes;
  let next = ConstantPool.endBytes;
  const take = (sizeBytes: number): number => {
    const address = next;
    next += roundUp(sizeBytes, lineBytes);
    return address;
  };
  // The vectors of the last document may begin anywhere, so they may end after the last column.
  const columnCapacity = roundUp(documents * blockSize, v.lanes) + (documents > 1 ? v.lanes : 0);
  const columns = () => take(columnCapacity * bytes);
  const strideBytes = v.lanes * bytes;
  // An even number of lines, or a large power of two, would put a feature of all columns into few cache sets.
  const recordLines = Math.ceil((Math.max(4 * nEmbd, vocabSize) * strideBytes) / lineBytes);
  const recordBytes = (recordLines + 1 - (recordLines % 2)) * lineBytes;
  const areaBytes = (columnCapacity / v.lanes) * recordBytes;
  let area = 0;
  let usedBytes = recordBytes;
  const features = (count: number) => {
    const sizeBytes = roundUp(count * strideBytes, lineBytes);
    if (usedBytes + sizeBytes > recordBytes) {
      area = take(areaBytes);
      usedBytes = 0;
    }
    usedBytes += sizeBytes;
    return area + usedBytes - sizeBytes;
  };
  const heads = headStrides(model, v, nHead);

  const matrix = nEmbd * nEmbd;
  const embeddingCount = (vocabSize + blockSize) * nEmbd;
  const parameterCount = embeddingCount + vocabSize * nEmbd + nLayer * 12 * matrix;
  // After the parameters, the moments and the gradients there is room for one tile that belongs to no matrix.
  const numbersOf = () => take((parameterCount + 12 * nEmbd) * bytes);
  const [parameters, firstMoment, secondMoment] = [numbersOf(), numbersOf(), numbersOf()];
  const noTile = parameters + roundUp(parameterCount * bytes, lineBytes);

  const ownOf = () => {
    const address = next;
    usedBytes = recordBytes;
    const numbers = take(5 * bytes);
    const own = {
      rate: numbers,
      epsilon: numbers + bytes,
      beta1: numbers + 2 * bytes,
      beta2: numbers + 3 * bytes,
      floor: numbers + 4 * bytes,
      loss: take(8),
      documents: take(documents * 8),
      tokenRows: take(columnCapacity * 4),
      positionRows: take(columnCapacity * 4),
      targets: take(columnCapacity * 4),
      lossScale: columns(),
      gradients: numbersOf(),
      layers: Array.from({ length: nLayer }, (_, layer): LayerLayout => {
        const start = parameters + (embeddingCount + vocabSize * nEmbd + layer * 12 * matrix) * bytes;
        return {
          attnWqkv: start,
          attnWo: start + 3 * matrix * bytes,
          mlpFc1: start + 4 * matrix * bytes,
          mlpFc2: start + 8 * matrix * bytes,
          attnNorm: features(nEmbd),
          attnNormScale: columns(),
          mlpNorm: features(nEmbd),
          mlpNormScale: columns(),
          qkvRows: take(columnCapacity * heads.groups * heads.qkvBytes),
          attnWeights: take(documents * heads.documentBytes + 3 * heads.vectorBytes),
          attnWeightScale: take(columnCapacity * heads.groups * heads.vectorBytes),
          attnOut: features(nEmbd),
          hidden: features(4 * nEmbd),
        };
      }),
      embedding: features(nEmbd),
      embeddingScale: columns(),
      streams: Array.from({ length: 2 * nLayer + 1 }, () => features(nEmbd)),
      dStream: features(nEmbd),
      dNorm: features(nEmbd),
      qkv: features(3 * nEmbd),
      outRows: take(columnCapacity * heads.groups * heads.outBytes),
      gradientRows: take(columnCapacity * heads.groups * heads.qkvBytes),
      weightGradients: take(blockSize * heads.vectorBytes),
      dAttnOut: features(nEmbd),
      dHidden: features(4 * nEmbd),
      panels: take(columnCapacity * nEmbd * bytes),
      logits: features(vocabSize),
      logSumExp: columns(),
      targetLogits: columns(),
    };
    return { ...own, own: { address, bytes: next - address } };
  };

  const parts = Array.from({ length: plan.parts }, ownOf);
  const { gradients, ...own } = parts[plan.part];
  const shares = plan.share !== undefined;
  const partials = shares ? [take(plan.parts * areaBytes), take(plan.parts * areaBytes)] : [];
  const sharedLogits = shares ? take(areaBytes) : own.logits;

  return {
    model,
    strideBytes,
    recordBytes,
    areaBytes,
    columnCapacity,
    parameterCount,
    parameters,
    noTile,
    wpe: parameters + vocabSize * nEmbd * bytes,
    lmHead: parameters + embeddingCount * bytes,
    toFirstMoment: firstMoment - parameters,
    toSecondMoment: secondMoment - parameters,
    toGradient: gradients - parameters,
    toGradients: (shares ? [{ gradients }] : parts).map((part) => part.gradients - parameters),
    ...own,
    partials,
    sharedLogits,
    totalBytes: next,
  };
}

/** Bytes from a feature's first column to another. */
export function toColumn(v: Vector, { recordBytes }: Layout, column: number): number {
  return Math.floor(column / v.lanes) * recordBytes + (column % v.lanes) * v.elementBytes;
}

/** Sizes and distances in what attention keeps of so many heads, in groups that fill a vector. */
export function headStrides({ nEmbd, nHead, blockSize }: ModelConfig, v: Vector, heads: number) {
  const headDim = nEmbd / nHead;
  const groups = Math.ceil(heads / v.lanes);
  const vectorBytes = v.lanes * v.elementBytes;
  const outBytes = headDim * vectorBytes;
  return {
    headDim,
    groups,
    vectorBytes,
    /** From a group's queries to its keys and to its values. */
    toKeys: outBytes,
    toValues: 2 * outBytes,
    /** One group of one column. */
    qkvBytes: 3 * outBytes,
    outBytes,
    /** The most weights of a document. */
    documentBytes: (groups * vectorBytes * blockSize * (blockSize + 1)) / 2,
  };
}
