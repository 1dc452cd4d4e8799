import type { ModelConfig } from '../../contract.ts';

/**
 * For each parameter in memory, its index in the task. attn_wo and mlp_fc2 are stored transposed, so that every matrix has rows
 * of nEmbd numbers: one function computes all weight gradients, and threads share out whole rows.
 */
export function storageOrder({ nEmbd, nLayer, blockSize, vocabSize }: ModelConfig): Int32Array {
  const matrix = nEmbd * nEmbd;
  const embeddings = (2 * vocabSize + blockSize) * nEmbd;
  const order = Int32Array.from({ length: embeddings + nLayer * 12 * matrix }, (_, i) => i);
  const transpose = (start: number, inputs: number) => {
    for (let output = 0; output < nEmbd; output++)
      for (let input = 0; input < inputs; input++)
        order[start + input * nEmbd + output] = start + output * inputs + input;
  };
  for (let layer = 0; layer < nLayer; layer++) {
    const start = embeddings + layer * 12 * matrix;
    transpose(start + 3 * matrix, nEmbd);
    transpose(start + 8 * matrix, 4 * nEmbd);
  }
  return order;
}
