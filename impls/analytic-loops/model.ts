import { createAttention } from '../analytic/attention.ts';
import type { Batch } from '../analytic/batch.ts';
import { rmsnorm, rmsnormBackward } from '../analytic/rmsnorm.ts';
import { softmax } from '../analytic/softmax.ts';
import type { Weights } from '../analytic/weights.ts';
import type { ModelConfig } from '../contract.ts';
import { inputGradient, linear, weightGradient } from './linear.ts';

/**
 * Returns a function that computes the loss of a batch and sets `gradients` to its gradient. A row of every activation is a
 * position; the documents of a batch follow one another.
 *
 * @param maxRows the most positions that a batch can have
 */
export function createModel(
  model: ModelConfig,
  weights: Weights<Float64Array>,
  gradients: Weights<Float64Array>,
  maxRows: number,
): (batch: Batch) => number {
  const { nEmbd, vocabSize } = model;
  const { wte, wpe, lmHead } = weights;
  const { wte: dwte, wpe: dwpe, lmHead: dlmHead } = gradients;
  const matrix = (columns: number) => new Float64Array(maxRows * columns);
  const x = matrix(nEmbd); // the residual stream, to which every block adds its branch
  const branch = matrix(nEmbd);
  const embedding = matrix(nEmbd);
  const embeddingScales = matrix(1);
  const logits = matrix(vocabSize); // later their gradient
  const dx = matrix(nEmbd);
  const dbranch = matrix(nEmbd);
  const dqkv = matrix(3 * nEmbd);
  const dhidden = matrix(4 * nEmbd);

  /** What each layer's forward pass keeps for the backward pass. */
  const layers = weights.layers.map((w, i) => {
    const qkv = matrix(3 * nEmbd);
    const attnOut = matrix(nEmbd);
    return {
      w,
      dw: gradients.layers[i],
      attnNorm: matrix(nEmbd),
      attnNormScales: matrix(1),
      qkv,
      attnOut,
      attention: createAttention({ qkv, out: attnOut, dqkv, dout: dbranch, maxRows }, model),
      mlpNorm: matrix(nEmbd),
      mlpNormScales: matrix(1),
      hidden: matrix(4 * nEmbd),
    };
  });

  /** `x = rmsnorm(wte[token] + wpe[position])` */
  function embed({ rows, inputs, positions }: Batch): void {
    for (let row = 0; row < rows; row++) {
      const token = inputs[row] * nEmbd;
      const position = positions[row] * nEmbd;
      for (let i = 0; i < nEmbd; i++) embedding[row * nEmbd + i] = wte[token + i] + wpe[position + i];
    }
    rmsnorm(embedding, embeddingScales, embedding, rows, nEmbd);
    x.set(embedding);
  }

  function embedBackward({ rows, inputs, positions }: Batch): void {
    const dembedding = dbranch;
    dembedding.fill(0, 0, rows * nEmbd);
    rmsnormBackward(dembedding, dx, embedding, embeddingScales, rows, nEmbd);
    dwte.fill(0);
    dwpe.fill(0);
    for (let row = 0; row < rows; row++) {
      const token = inputs[row] * nEmbd;
      const position = positions[row] * nEmbd;
      for (let i = 0; i < nEmbd; i++) {
        const gradient = dembedding[row * nEmbd + i];
        dwte[token + i] += gradient;
        dwpe[position + i] += gradient;
      }
    }
  }

  /** `x += attn_wo attention(rmsnorm(x))`, then `x += mlp_fc2 relu(mlp_fc1 rmsnorm(x))`. */
  function layerForward(layer: (typeof layers)[number], { rows, documents }: Batch): void {
    const { w, attnNorm, attnNormScales, qkv, attnOut, attention, mlpNorm, mlpNormScales, hidden } = layer;
    rmsnorm(attnNorm, attnNormScales, x, rows, nEmbd);
    linear(qkv, attnNorm, w.qkv, rows, 3 * nEmbd, nEmbd);
    for (const { first, count } of documents) attention.forward(first, count);
    linear(branch, attnOut, w.attnWo, rows, nEmbd, nEmbd);
    for (let i = 0; i < rows * nEmbd; i++) x[i] += branch[i];

    rmsnorm(mlpNorm, mlpNormScales, x, rows, nEmbd);
    linear(hidden, mlpNorm, w.mlpFc1, rows, 4 * nEmbd, nEmbd);
    for (let i = 0; i < rows * 4 * nEmbd; i++) hidden[i] = Math.max(0, hidden[i]);
    linear(branch, hidden, w.mlpFc2, rows, nEmbd, 4 * nEmbd);
    for (let i = 0; i < rows * nEmbd; i++) x[i] += branch[i];
  }

  /** Turns `dx` from the gradient of the layer's output into that of its input. */
  function layerBackward(layer: (typeof layers)[number], { rows, documents }: Batch): void {
    const { w, dw, attnNorm, attnNormScales, attnOut, attention, mlpNorm, mlpNormScales, hidden } = layer;
    weightGradient(dw.mlpFc2, dx, hidden, rows, nEmbd, 4 * nEmbd);
    inputGradient(dhidden, dx, w.mlpFc2, rows, nEmbd, 4 * nEmbd);
    for (let i = 0; i < rows * 4 * nEmbd; i++) if (hidden[i] === 0) dhidden[i] = 0;
    weightGradient(dw.mlpFc1, dhidden, mlpNorm, rows, 4 * nEmbd, nEmbd);
    inputGradient(dbranch, dhidden, w.mlpFc1, rows, 4 * nEmbd, nEmbd);
    rmsnormBackward(dx, dbranch, mlpNorm, mlpNormScales, rows, nEmbd);

    weightGradient(dw.attnWo, dx, attnOut, rows, nEmbd, nEmbd);
    inputGradient(dbranch, dx, w.attnWo, rows, nEmbd, nEmbd);
    for (const { first, count } of documents) attention.backward(first, count);
    weightGradient(dw.qkv, dqkv, attnNorm, rows, 3 * nEmbd, nEmbd);
    inputGradient(dbranch, dqkv, w.qkv, rows, 3 * nEmbd, nEmbd);
    rmsnormBackward(dx, dbranch, attnNorm, attnNormScales, rows, nEmbd);
  }

  /** Loss of the batch. Replaces the logits by their gradient, `(p - onehot(target)) · weight` for each row. */
  function crossEntropy({ rows, targets, lossWeights }: Batch): number {
    let loss = 0;
    for (let row = 0; row < rows; row++) {
      const start = row * vocabSize;
      const target = start + targets[row];
      const targetLogit = logits[target];
      loss += (softmax(logits, start, start + vocabSize) - targetLogit) * lossWeights[row];
      logits[target] -= 1;
      for (let i = start; i < start + vocabSize; i++) logits[i] *= lossWeights[row];
    }
    return loss;
  }

  return (batch) => {
    const { rows } = batch;
    embed(batch);
    for (const layer of layers) layerForward(layer, batch);
    linear(logits, x, lmHead, rows, vocabSize, nEmbd);
    const loss = crossEntropy(batch);
    weightGradient(dlmHead, logits, x, rows, vocabSize, nEmbd);
    inputGradient(dx, logits, lmHead, rows, vocabSize, nEmbd);
    for (const layer of layers.toReversed()) layerBackward(layer, batch);
    embedBackward(batch);
    return loss;
  };
}
