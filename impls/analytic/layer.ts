import type { ModelConfig } from '../contract.ts';
import { createAttention } from './attention.ts';
import type { Batch } from './batch.ts';
import { createLinear } from './linear.ts';
import { rmsnorm, rmsnormBackward } from './rmsnorm.ts';
import type { LayerWeights } from './weights.ts';

/** What runs past all layers, `[rows, nEmbd]`: each block adds its branch to x, and its gradient to dx. */
export interface ResidualStream {
  readonly x: Float64Array;
  readonly dx: Float64Array;
}

export interface Layer {
  /** Turns `x` from the layer's input into its output. */
  forward(batch: Batch): void;
  /** Turns `dx` from the gradient of the layer's output into that of its input, and sets the gradients of its weights. */
  backward(batch: Batch): void;
}

/** Attention, then a perceptron with one hidden layer: `x += Wo attention(rmsnorm(x))`, `x += W2 relu(W1 rmsnorm(x))`. */
export function createLayer(
  { x, dx }: ResidualStream,
  w: LayerWeights,
  dw: LayerWeights,
  model: ModelConfig,
  maxRows: number,
): Layer {
  const { nEmbd } = model;
  const matrix = (columns: number) => new Float64Array(maxRows * columns);
  const attentionScales = matrix(1);
  const attentionInput = matrix(nEmbd);
  const qkv = matrix(3 * nEmbd);
  const attentionOutput = matrix(nEmbd);
  const mlpScales = matrix(1);
  const mlpInput = matrix(nEmbd);
  const hidden = matrix(4 * nEmbd);
  const branch = matrix(nEmbd);

  const dqkv = matrix(3 * nEmbd);
  const dhidden = matrix(4 * nEmbd);
  const dbranch = matrix(nEmbd);

  const linear = (
    [y, dy]: readonly [Float64Array, Float64Array],
    [input, dinput]: readonly [Float64Array, Float64Array],
    [weights, dweights]: readonly [Float64Array, Float64Array],
    outputs: number,
    inputs: number,
  ) => createLinear({ y, dy, x: input, dx: dinput, w: weights, dw: dweights, outputs, inputs, maxRows });
  const projectQkv = linear([qkv, dqkv], [attentionInput, dbranch], [w.qkv, dw.qkv], 3 * nEmbd, nEmbd);
  const attention = createAttention({ qkv, out: attentionOutput, dqkv, dout: dbranch, maxRows }, model);
  const projectOut = linear([branch, dx], [attentionOutput, dbranch], [w.attnWo, dw.attnWo], nEmbd, nEmbd);
  const expand = linear([hidden, dhidden], [mlpInput, dbranch], [w.mlpFc1, dw.mlpFc1], 4 * nEmbd, nEmbd);
  const contract = linear([branch, dx], [hidden, dhidden], [w.mlpFc2, dw.mlpFc2], nEmbd, 4 * nEmbd);

  function forward({ rows, documents }: Batch): void {
    rmsnorm(attentionInput, attentionScales, x, rows, nEmbd);
    projectQkv.forward(rows);
    for (const { first, count } of documents) attention.forward(first, count);
    projectOut.forward(rows);
    addBranch(rows);

    rmsnorm(mlpInput, mlpScales, x, rows, nEmbd);
    expand.forward(rows);
    relu(rows);
    contract.forward(rows);
    addBranch(rows);
  }

  function backward({ rows, documents }: Batch): void {
    contract.backward(rows);
    reluBackward(rows);
    expand.backward(rows);
    rmsnormBackward(dx, dbranch, mlpInput, mlpScales, rows, nEmbd);

    projectOut.backward(rows);
    for (const { first, count } of documents) attention.backward(first, count);
    projectQkv.backward(rows);
    rmsnormBackward(dx, dbranch, attentionInput, attentionScales, rows, nEmbd);
  }

  function addBranch(rows: number): void {
    for (let i = 0; i < rows * nEmbd; i++) x[i] += branch[i];
  }

  function relu(rows: number): void {
    for (let i = 0; i < rows * 4 * nEmbd; i++) hidden[i] = Math.max(0, hidden[i]);
  }

  function reluBackward(rows: number): void {
    for (let i = 0; i < rows * 4 * nEmbd; i++) if (hidden[i] === 0) dhidden[i] = 0;
  }

  return { forward, backward };
}
