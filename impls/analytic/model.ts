import type { ModelConfig } from '../contract.ts';
import type { Batch } from './batch.ts';
import { createEmbedding } from './embedding.ts';
import { type Epilogue, store } from './epilogue.ts';
import { createLayer } from './layer.ts';
import { createLinear } from './linear.ts';
import { softmax } from './softmax.ts';
import type { Weights } from './weights.ts';

/**
 * Returns a function that computes the loss of a batch and passes its gradient, matrix by matrix, to `epilogues`.
 *
 * @param maxRows the most positions that a batch can have
 */
export function createModel(
  model: ModelConfig,
  weights: Weights<Float64Array>,
  epilogues: Weights<Epilogue>,
  maxRows: number,
): (batch: Batch) => number {
  const { nEmbd, vocabSize } = model;
  const x = new Float64Array(maxRows * nEmbd); // the residual stream
  const dx = new Float64Array(maxRows * nEmbd);
  const logits = new Float64Array(maxRows * vocabSize); // later their gradient

  const layers = [
    createEmbedding({ x, dx }, weights, epilogues, model, maxRows),
    ...weights.layers.map((w, i) => createLayer({ x, dx }, w, epilogues.layers[i], model, maxRows)),
  ];
  const head = createLinear({
    x,
    w: weights.lmHead,
    dy: logits,
    y: store(logits),
    dx: store(dx),
    dw: epilogues.lmHead,
    outputs: vocabSize,
    inputs: nEmbd,
    maxRows,
  });

  /** Loss of the batch. Replaces the logits by their gradient, `(p - onehot(target)) · weight` for each row. */
  function crossEntropy({ rows, targets, lossWeights }: Batch): number {
    let loss = 0;
    for (let row = 0; row < rows; row++) {
      const start = row * vocabSize;
      const target = start + targets[row];
      const weight = lossWeights[row];
      const targetLogit = logits[target];
      loss += (softmax(logits, start, start + vocabSize, weight) - targetLogit) * weight;
      logits[target] -= weight;
    }
    return loss;
  }

  return (batch) => {
    for (const layer of layers) layer.forward(batch);
    head.forward(batch.rows);
    const loss = crossEntropy(batch);
    head.backward(batch.rows);
    for (let i = layers.length - 1; i >= 0; i--) layers[i].backward(batch);
    return loss;
  };
}
