import type { ModelConfig } from '../contract.ts';
import type { Batch } from './batch.ts';
import type { Layer, ResidualStream } from './layer.ts';
import { rmsnorm, rmsnormBackward } from './rmsnorm.ts';
import type { Weights } from './weights.ts';

/** The start of the residual stream: `x = rmsnorm(wte[token] + wpe[position])`. */
export function createEmbedding(
  { x, dx }: ResidualStream,
  { wte, wpe }: Weights,
  { wte: dwte, wpe: dwpe }: Weights,
  { nEmbd }: ModelConfig,
  maxRows: number,
): Layer {
  const scales = new Float64Array(maxRows);
  const sum = new Float64Array(maxRows * nEmbd);
  const normalised = new Float64Array(maxRows * nEmbd);

  function forward({ rows, inputs, positions }: Batch): void {
    for (let row = 0; row < rows; row++) {
      const token = inputs[row] * nEmbd;
      const position = positions[row] * nEmbd;
      for (let i = 0; i < nEmbd; i++) sum[row * nEmbd + i] = wte[token + i] + wpe[position + i];
    }
    rmsnorm(normalised, scales, sum, rows, nEmbd);
    x.set(normalised);
  }

  function backward({ rows, inputs, positions }: Batch): void {
    const dsum = sum;
    dsum.fill(0, 0, rows * nEmbd);
    rmsnormBackward(dsum, dx, normalised, scales, rows, nEmbd);
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
  }

  return { forward, backward };
}
