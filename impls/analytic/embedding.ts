import type { ModelConfig } from '../contract.ts';
import type { Batch } from './batch.ts';
import type { Epilogue } from './epilogue.ts';
import type { Layer, ResidualStream } from './layer.ts';
import { createProduct } from './product.ts';
import { rmsnorm, rmsnormBackward } from './rmsnorm.ts';
import type { Weights } from './weights.ts';

/** The start of the residual stream: `x = rmsnorm(wte[token] + wpe[position])`. */
export function createEmbedding(
  { x, dx }: ResidualStream,
  { wte, wpe }: Weights<Float64Array>,
  epilogues: Weights<Epilogue>,
  { nEmbd }: ModelConfig,
  maxRows: number,
): Layer {
  const scales = new Float64Array(maxRows);
  const sum = new Float64Array(maxRows * nEmbd);
  const embedding = new Float64Array(maxRows * nEmbd);
  const dwte = new Float64Array(wte.length);
  const dwpe = new Float64Array(wpe.length);
  const handOnWte = createHandOn(dwte, epilogues.wte);
  const handOnWpe = createHandOn(dwpe, epilogues.wpe);

  function forward({ rows, inputs, positions }: Batch): void {
    for (let row = 0; row < rows; row++) {
      const token = inputs[row] * nEmbd;
      const position = positions[row] * nEmbd;
      for (let i = 0; i < nEmbd; i++) sum[row * nEmbd + i] = wte[token + i] + wpe[position + i];
    }
    rmsnorm(embedding, scales, sum, rows, nEmbd);
    x.set(embedding);
  }

  function backward({ rows, inputs, positions }: Batch): void {
    const dsum = sum;
    dsum.fill(0, 0, rows * nEmbd);
    rmsnormBackward(dsum, dx, embedding, scales, rows, nEmbd);
    dwte.fill(0);
    dwpe.fill(0);
    for (let row = 0; row < rows; row++) {
      const token = inputs[row] * nEmbd;
      const position = positions[row] * nEmbd;
      for (let i = 0; i < nEmbd; i++) {
        const gradient = dsum[row * nEmbd + i];
        dwte[token + i] += gradient;
        dwpe[position + i] += gradient;
      }
    }
    handOnWte(rows);
    handOnWpe(rows);
  }

  return { forward, backward };
}

/** A product with 1: only its epilogue matters. */
function createHandOn(gradient: Float64Array, epilogue: Epilogue): (rows: number) => void {
  return createProduct({
    name: 'handOn',
    a: { array: gradient, strides: [1, 0] },
    b: { array: Float64Array.of(1), strides: [0, 0] },
    cStrides: [1, 0],
    epilogue,
    i: gradient.length,
    j: 1,
    k: 1,
    tile: [4, 1],
    maxRows: 0,
  });
}
