import type { ModelConfig } from '../contract.ts';
import { softmax } from './softmax.ts';

/** What attention reads and writes. `rows` are positions of all documents of a batch, one after another. */
export interface AttentionMatrices {
  /** Queries, keys and values side by side, `[rows, 3·nEmbd]`; head h has columns `h·headDim …` of each. */
  readonly qkv: Float64Array;
  /** All heads side by side, `[rows, nEmbd]`. */
  readonly out: Float64Array;
  readonly dqkv: Float64Array;
  readonly dout: Float64Array;
  readonly maxRows: number;
}

export interface Attention {
  /** Sets `out` from `qkv` for the document in rows `first … first + positions - 1`. */
  forward(first: number, positions: number): void;
  /** Sets `dqkv` from `dout` for this document. Call it after `forward` of the same document. */
  backward(first: number, positions: number): void;
}

/** Causal attention: `out = a v` with `a = softmax(q kᵀ / √headDim)` over this position and those before it. */
export function createAttention(matrices: AttentionMatrices, model: ModelConfig): Attention {
  const { nEmbd, nHead, blockSize } = model;
  const headDim = nEmbd / nHead;
  const stride = 3 * nEmbd;
  const scale = 1 / Math.sqrt(headDim);
  // a: [rows, nHead, blockSize]. A position fills only as many as it attends to.
  const allAttnWeights = new Float64Array(matrices.maxRows * nHead * blockSize);

  function forward(first: number, positions: number): void {
    const { qkv, out } = matrices;
    const a = allAttnWeights;
    for (let t = 0; t < positions; t++) {
      const row = first + t;
      for (let head = 0; head < nHead; head++) {
        const attnWeights = (row * nHead + head) * blockSize;
        const q = row * stride + head * headDim;
        for (let j = 0; j <= t; j++) {
          const k = (first + j) * stride + nEmbd + head * headDim;
          let dot = 0;
          for (let d = 0; d < headDim; d++) dot += qkv[q + d] * qkv[k + d];
          a[attnWeights + j] = dot * scale;
        }
        softmax(a, attnWeights, attnWeights + t + 1);
        for (let d = 0; d < headDim; d++) {
          const column = head * headDim + d;
          let sum = 0;
          for (let j = 0; j <= t; j++) sum += a[attnWeights + j] * qkv[(first + j) * stride + 2 * nEmbd + column];
          out[row * nEmbd + column] = sum;
        }
      }
    }
  }

  /**
   * With `da[j] = dout · v[j]`, the gradient of softmax is `ds[j] = a[j] (da[j] - Σ a da)`, where `Σ a da = dout · out`. Then
   * `dq = Σ ds[j] k[j] / √headDim`, and position t adds `ds[j] q / √headDim` to `dk[j]` and `a[j] dout` to `dv[j]`.
   */
  function backward(first: number, positions: number): void {
    const { qkv, out, dqkv, dout } = matrices;
    const a = allAttnWeights;
    dqkv.fill(0, first * stride, (first + positions) * stride);
    for (let t = 0; t < positions; t++) {
      const row = first + t;
      for (let head = 0; head < nHead; head++) {
        const attnWeights = (row * nHead + head) * blockSize;
        const q = row * stride + head * headDim;
        const o = row * nEmbd + head * headDim;
        let mean = 0;
        for (let d = 0; d < headDim; d++) mean += dout[o + d] * out[o + d];
        for (let j = 0; j <= t; j++) {
          const k = (first + j) * stride + nEmbd + head * headDim;
          const v = k + nEmbd;
          const weight = a[attnWeights + j];
          let da = 0;
          for (let d = 0; d < headDim; d++) da += dout[o + d] * qkv[v + d];
          const ds = weight * (da - mean) * scale;
          for (let d = 0; d < headDim; d++) {
            dqkv[q + d] += ds * qkv[k + d];
            dqkv[k + d] += ds * qkv[q + d];
            dqkv[v + d] += weight * dout[o + d];
          }
        }
      }
    }
  }

  return { forward, backward };
}
