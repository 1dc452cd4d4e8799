import type { ModelConfig } from '../contract.ts';

/** One T for each matrix of one layer. Matrices are row-major, `[outputs, inputs]`. */
export interface LayerWeights<T> {
  /** `[3·nEmbd, nEmbd]`: attn_wq, attn_wk and attn_wv lie one after another, so one product yields q, k and v. */
  readonly qkv: T;
  readonly attnWo: T;
  readonly mlpFc1: T;
  readonly mlpFc2: T;
}

/** One T for each matrix of the model: its view of the flat parameters, or the epilogue of its gradient. */
export interface Weights<T> {
  readonly wte: T;
  readonly wpe: T;
  readonly lmHead: T;
  readonly layers: readonly LayerWeights<T>[];
}

/** Calls `make` with the range of each matrix in the order of `TrainingTask.parameters`. */
export function arrangeWeights<T>(
  { nEmbd, nLayer, blockSize, vocabSize }: ModelConfig,
  make: (start: number, end: number) => T,
): Weights<T> {
  let offset = 0;
  const next = (rows: number, columns: number): T => {
    const start = offset;
    offset += rows * columns;
    return make(start, offset);
  };
  return {
    wte: next(vocabSize, nEmbd),
    wpe: next(blockSize, nEmbd),
    lmHead: next(vocabSize, nEmbd),
    layers: Array.from({ length: nLayer }, () => ({
      qkv: next(3 * nEmbd, nEmbd),
      attnWo: next(nEmbd, nEmbd),
      mlpFc1: next(4 * nEmbd, nEmbd),
      mlpFc2: next(nEmbd, 4 * nEmbd),
    })),
  };
}
