import type { ModelConfig, TrainingTask } from '../../impls/contract.ts';

/**
 * Numbers in the matrices that multiply activations: lm_head and, per layer, attn_wq, attn_wk, attn_wv, attn_wo (E² each) and
 * mlp_fc1, mlp_fc2 (4·E² each). The embeddings are looked up, not multiplied.
 */
export function matrixWeights({ nEmbd, nLayer, vocabSize }: ModelConfig): number {
  return vocabSize * nEmbd + nLayer * 12 * nEmbd ** 2;
}

/**
 * Matrix work of one document of average length, in floating-point operations. Each weight meets each position three times:
 * forward (Y = W X), for the gradient of the input (dX = Wᵀ dY) and for that of the weight (dW = dY Xᵀ). Each time is a
 * multiplication and an addition.
 *
 *     3 · 2 · matrixWeights · positions
 *
 * Only this counts in GFLOP/s and in the fraction of peak. Attention (12 · E operations for every pair of positions j ≤ t in
 * every layer), normalisation, softmax and Adam are not counted, so the fraction is a lower bound, the same for every
 * implementation.
 */
export function averageMatrixFlops({ model, tokens, offsets }: TrainingTask): number {
  const documents = offsets.length - 1;
  return (6 * matrixWeights(model) * (tokens.length - documents)) / documents;
}
