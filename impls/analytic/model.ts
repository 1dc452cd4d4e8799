import type { ModelConfig } from '../contract.ts';
import { attention, attentionBackward } from './attention.ts';
import type { Batch } from './batch.ts';
import { multiply, multiplyByTransposed, multiplyTransposed } from './products.ts';
import { rmsnorm, rmsnormBackward } from './rmsnorm.ts';
import { softmax } from './softmax.ts';
import type { LayerWeights, Weights } from './weights.ts';

/** What a layer's forward pass leaves for its backward pass. Every matrix has one row for each position of the batch. */
interface LayerActivations {
  readonly attentionScales: Float64Array;
  readonly attentionInput: Float64Array; // [rows, nEmbd], normalised
  readonly qkv: Float64Array; // [rows, 3·nEmbd]
  readonly attentionWeights: Float64Array; // [rows, nHead, blockSize]
  readonly attentionOutput: Float64Array; // [rows, nEmbd]
  readonly mlpScales: Float64Array;
  readonly mlpInput: Float64Array; // [rows, nEmbd], normalised
  readonly hidden: Float64Array; // [rows, 4·nEmbd], after relu
}

/**
 * The loss of a batch and, in `gradients`, its derivative by every parameter, both by formulas at matrix level.
 *
 * @param maxRows most positions that a batch can have
 */
export function createModel(model: ModelConfig, weights: Weights, gradients: Weights, maxRows: number) {
  const { nEmbd, nHead, blockSize, vocabSize } = model;
  const matrix = (columns: number) => new Float64Array(maxRows * columns);
  const embeddingScales = matrix(1);
  const embedding = matrix(nEmbd); // normalised
  const layers: LayerActivations[] = weights.layers.map(() => ({
    attentionScales: matrix(1),
    attentionInput: matrix(nEmbd),
    qkv: matrix(3 * nEmbd),
    attentionWeights: matrix(nHead * blockSize),
    attentionOutput: matrix(nEmbd),
    mlpScales: matrix(1),
    mlpInput: matrix(nEmbd),
    hidden: matrix(4 * nEmbd),
  }));
  const x = matrix(nEmbd); // the residual stream
  const branch = matrix(nEmbd); // what a block adds to it
  const logits = matrix(vocabSize); // then probabilities, then their gradient

  const dx = matrix(nEmbd);
  const dbranch = matrix(nEmbd);
  const dqkv = matrix(3 * nEmbd);
  const dhidden = matrix(4 * nEmbd);

  function embed({ rows, inputs, positions }: Batch): void {
    for (let row = 0; row < rows; row++) {
      const token = inputs[row] * nEmbd;
      const position = positions[row] * nEmbd;
      for (let i = 0; i < nEmbd; i++) x[row * nEmbd + i] = weights.wte[token + i] + weights.wpe[position + i];
    }
    rmsnorm(embedding, embeddingScales, x, rows, nEmbd);
    x.set(embedding);
  }

  function embedBackward({ rows, inputs, positions }: Batch): void {
    // dx is the gradient of the normalised sum; dbranch becomes that of the sum itself.
    dbranch.fill(0, 0, rows * nEmbd);
    rmsnormBackward(dbranch, dx, embedding, embeddingScales, rows, nEmbd);
    gradients.wte.fill(0);
    gradients.wpe.fill(0);
    for (let row = 0; row < rows; row++) {
      const token = inputs[row] * nEmbd;
      const position = positions[row] * nEmbd;
      for (let i = 0; i < nEmbd; i++) {
        const gradient = dbranch[row * nEmbd + i];
        gradients.wte[token + i] += gradient;
        gradients.wpe[position + i] += gradient;
      }
    }
  }

  function layerForward(w: LayerWeights, a: LayerActivations, { rows, documents }: Batch): void {
    rmsnorm(a.attentionInput, a.attentionScales, x, rows, nEmbd);
    multiplyByTransposed(a.qkv, a.attentionInput, w.qkv, rows, 3 * nEmbd, nEmbd);
    for (const { first, count } of documents) {
      attention(a.attentionOutput, a.attentionWeights, a.qkv, first, count, model);
    }
    multiplyByTransposed(branch, a.attentionOutput, w.attnWo, rows, nEmbd, nEmbd);
    for (let i = 0; i < rows * nEmbd; i++) x[i] += branch[i];

    rmsnorm(a.mlpInput, a.mlpScales, x, rows, nEmbd);
    multiplyByTransposed(a.hidden, a.mlpInput, w.mlpFc1, rows, 4 * nEmbd, nEmbd);
    for (let i = 0; i < rows * 4 * nEmbd; i++) if (a.hidden[i] < 0) a.hidden[i] = 0;
    multiplyByTransposed(branch, a.hidden, w.mlpFc2, rows, nEmbd, 4 * nEmbd);
    for (let i = 0; i < rows * nEmbd; i++) x[i] += branch[i];
  }

  /** Turns `dx` from the gradient of the layer's output into that of its input. */
  function layerBackward(w: LayerWeights, dw: LayerWeights, a: LayerActivations, { rows, documents }: Batch): void {
    multiplyTransposed(dw.mlpFc2, dx, a.hidden, rows, nEmbd, 4 * nEmbd);
    multiply(dhidden, dx, w.mlpFc2, rows, nEmbd, 4 * nEmbd);
    for (let i = 0; i < rows * 4 * nEmbd; i++) if (a.hidden[i] === 0) dhidden[i] = 0;
    multiplyTransposed(dw.mlpFc1, dhidden, a.mlpInput, rows, 4 * nEmbd, nEmbd);
    multiply(dbranch, dhidden, w.mlpFc1, rows, 4 * nEmbd, nEmbd);
    rmsnormBackward(dx, dbranch, a.mlpInput, a.mlpScales, rows, nEmbd);

    multiplyTransposed(dw.attnWo, dx, a.attentionOutput, rows, nEmbd, nEmbd);
    multiply(dbranch, dx, w.attnWo, rows, nEmbd, nEmbd);
    for (const { first, count } of documents) {
      attentionBackward(dqkv, dbranch, a.attentionWeights, a.qkv, first, count, model);
    }
    multiplyTransposed(dw.qkv, dqkv, a.attentionInput, rows, 3 * nEmbd, nEmbd);
    multiply(dbranch, dqkv, w.qkv, rows, 3 * nEmbd, nEmbd);
    rmsnormBackward(dx, dbranch, a.attentionInput, a.attentionScales, rows, nEmbd);
  }

  /** Loss of the batch; leaves its gradient in `logits`: `(p - [the target]) · weight`. */
  function crossEntropy({ rows, targets, lossWeights }: Batch): number {
    let loss = 0;
    for (let row = 0; row < rows; row++) {
      const start = row * vocabSize;
      const target = start + targets[row];
      const weight = lossWeights[row];
      const targetLogit = logits[target];
      loss += (softmax(logits, start, start + vocabSize) - targetLogit) * weight;
      logits[target] -= 1;
      for (let i = start; i < start + vocabSize; i++) logits[i] *= weight;
    }
    return loss;
  }

  return function lossAndGradients(batch: Batch): number {
    const { rows } = batch;
    embed(batch);
    for (let i = 0; i < layers.length; i++) layerForward(weights.layers[i], layers[i], batch);
    multiplyByTransposed(logits, x, weights.lmHead, rows, vocabSize, nEmbd);
    const loss = crossEntropy(batch);
    multiplyTransposed(gradients.lmHead, logits, x, rows, vocabSize, nEmbd);
    multiply(dx, logits, weights.lmHead, rows, vocabSize, nEmbd);
    for (let i = layers.length - 1; i >= 0; i--)
      layerBackward(weights.layers[i], gradients.layers[i], layers[i], batch);
    embedBackward(batch);
    return loss;
  };
}
