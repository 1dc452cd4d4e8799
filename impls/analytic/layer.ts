import type { ModelConfig } from '../contract.ts';
import { createAttention } from './attention.ts';
import type { Batch } from './batch.ts';
import { accumulate, type Epilogue, store, storeRelu, storeReluGradient } from './epilogue.ts';
import { createLinear } from './linear.ts';
import { rmsnorm, rmsnormBackward } from './rmsnorm.ts';
import type { LayerWeights } from './weights.ts';

/** The residual stream, `[rows, nEmbd]`: each block adds its branch to x, and its gradient to dx. */
export interface ResidualStream {
  readonly x: Float64Array;
  readonly dx: Float64Array;
}

export interface Layer {
  /** Turns `x` from the layer's input into its output. */
  forward(batch: Batch): void;
  /** Turns `dx` from the gradient of the layer's output into that of its input, and passes the gradients of its weights to their epilogues. */
  backward(batch: Batch): void;
}

/** Attention, then the mlp: `x += attn_wo attention(rmsnorm(x))`, `x += mlp_fc2 relu(mlp_fc1 rmsnorm(x))`. */
export function createLayer(
  { x, dx }: ResidualStream,
  w: LayerWeights<Float64Array>,
  dw: LayerWeights<Epilogue>,
  model: ModelConfig,
  maxRows: number,
): Layer {
  const { nEmbd } = model;
  const matrix = (columns: number) => new Float64Array(maxRows * columns);
  const attnNormScales = matrix(1);
  const attnNorm = matrix(nEmbd);
  const qkv = matrix(3 * nEmbd);
  const attnOut = matrix(nEmbd);
  const mlpNormScales = matrix(1);
  const mlpNorm = matrix(nEmbd);
  const hidden = matrix(4 * nEmbd);

  const dqkv = matrix(3 * nEmbd);
  const dhidden = matrix(4 * nEmbd);
  const dbranch = matrix(nEmbd);

  const projectQkv = createLinear({
    x: attnNorm,
    w: w.qkv,
    dy: dqkv,
    y: store(qkv),
    dx: store(dbranch),
    dw: dw.qkv,
    outputs: 3 * nEmbd,
    inputs: nEmbd,
    maxRows,
  });
  const attention = createAttention({ qkv, out: attnOut, dqkv, dout: dbranch, maxRows }, model);
  const projectOut = createLinear({
    x: attnOut,
    w: w.attnWo,
    dy: dx,
    y: accumulate(x),
    dx: store(dbranch),
    dw: dw.attnWo,
    outputs: nEmbd,
    inputs: nEmbd,
    maxRows,
  });
  const expand = createLinear({
    x: mlpNorm,
    w: w.mlpFc1,
    dy: dhidden,
    y: storeRelu(hidden),
    dx: store(dbranch),
    dw: dw.mlpFc1,
    outputs: 4 * nEmbd,
    inputs: nEmbd,
    maxRows,
  });
  const contract = createLinear({
    x: hidden,
    w: w.mlpFc2,
    dy: dx,
    y: accumulate(x),
    dx: storeReluGradient(dhidden, hidden),
    dw: dw.mlpFc2,
    outputs: nEmbd,
    inputs: 4 * nEmbd,
    maxRows,
  });

  function forward({ rows, documents }: Batch): void {
    rmsnorm(attnNorm, attnNormScales, x, rows, nEmbd);
    projectQkv.forward(rows);
    for (const { first, count } of documents) attention.forward(first, count);
    projectOut.forward(rows);

    rmsnorm(mlpNorm, mlpNormScales, x, rows, nEmbd);
    expand.forward(rows);
    contract.forward(rows);
  }

  function backward({ rows, documents }: Batch): void {
    contract.backward(rows);
    expand.backward(rows);
    rmsnormBackward(dx, dbranch, mlpNorm, mlpNormScales, rows, nEmbd);

    projectOut.backward(rows);
    for (const { first, count } of documents) attention.backward(first, count);
    projectQkv.backward(rows);
    rmsnormBackward(dx, dbranch, attnNorm, attnNormScales, rows, nEmbd);
  }

  return { forward, backward };
}
