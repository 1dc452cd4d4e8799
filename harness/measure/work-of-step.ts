import type { ModelConfig, TrainingTask } from '../../impls/contract.ts';

/**
 * Numbers in the matrices that multiply activations: lm_head and, per layer, wq, wk, wv, wo (E² each) and the two of the
 * MLP (4·E² each). The embeddings are looked up, not multiplied.
 */
export function matrixWeights({ nEmbd, nLayer, vocabSize }: ModelConfig): number {
  return vocabSize * nEmbd + nLayer * 12 * nEmbd ** 2;
}

/**
 * Matrix work of one document of average length, in floating-point operations: each weight meets each position three times,
 * once forward (Y = W X), once for the gradient of the input (dX = Wᵀ dY) and once for the gradient of the weight
 * (dW = dY Xᵀ), and each time costs a multiplication and an addition.
 *
 *     3 · 2 · matrixWeights · positions
 *
 * This alone is what GFLOP/s and the fraction of peak count. Attention (12 · E operations for every pair of positions j ≤ t in
 * every layer), normalisation, softmax, and Adam are real work too and are not counted, so the fraction is a lower bound
 * on how busy the arithmetic is, the same for every implementation.
 */
export function averageMatrixFlops({ model, tokens, offsets }: TrainingTask): number {
  const documents = offsets.length - 1;
  return (6 * matrixWeights(model) * (tokens.length - documents)) / documents;
}

/** Positions that steps `from` … `to - 1` train on, all documents of their batches together, where step 0 begins with `firstDocument`. */
export function positionsTrained(task: TrainingTask, from: number, to: number, firstDocument = 0): number {
  const documents = task.offsets.length - 1;
  let positions = 0;
  for (let i = firstDocument + from * task.batch; i < firstDocument + to * task.batch; i++) {
    const d = i % documents;
    positions += task.offsets[d + 1] - task.offsets[d] - 1;
  }
  return positions;
}
