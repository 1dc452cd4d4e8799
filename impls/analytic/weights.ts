import type { ModelConfig } from '../contract.ts';

/** The matrices of one layer, row-major `[outputs, inputs]`. */
export interface LayerWeights {
  /** `[3·nEmbd, nEmbd]`: attn_wq, attn_wk and attn_wv lie one after another, so one product yields q, k and v. */
  readonly qkv: Float64Array;
  readonly attnWo: Float64Array;
  readonly mlpFc1: Float64Array;
  readonly mlpFc2: Float64Array;
}

/** The model's matrices as views of one flat array: of parameters, or of their gradients. */
export interface Weights {
  readonly flat: Float64Array;
  readonly wte: Float64Array;
  readonly wpe: Float64Array;
  readonly lmHead: Float64Array;
  readonly layers: readonly LayerWeights[];
}

/** Cuts a flat array, in the order of `TrainingTask.parameters`, into the model's matrices. */
export function viewWeights(flat: Float64Array, { nEmbd, nLayer, blockSize, vocabSize }: ModelConfig): Weights {
  let offset = 0;
  const next = (rows: number, columns: number): Float64Array => {
    const start = offset;
    offset += rows * columns;
    return flat.subarray(start, offset);
  };
  return {
    flat,
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
