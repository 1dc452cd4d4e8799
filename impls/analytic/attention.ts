import type { ModelConfig } from '../contract.ts';
import { softmax } from './softmax.ts';

/**
 * Causal attention of one document, all heads: `weights = softmax(q kᵀ / √headDim)`, `out = weights v`.
 *
 * - `out`: `[rows, nEmbd]`, head h in columns `h·headDim …`
 * - `weights`: `[rows, nHead, blockSize]`, of which the first t + 1 of position t are set
 * - `qkv`: `[rows, 3·nEmbd]`, queries, keys and values side by side
 * - the document takes rows `first … first + positions - 1`
 */
export function attention(
  out: Float64Array,
  weights: Float64Array,
  qkv: Float64Array,
  first: number,
  positions: number,
  { nEmbd, nHead, blockSize }: ModelConfig,
): void {
  const headDim = nEmbd / nHead;
  const stride = 3 * nEmbd;
  const scale = 1 / Math.sqrt(headDim);
  const end = first + positions;
  for (let row = first; row < end; row++) {
    for (let head = 0; head < nHead; head++) {
      const q = row * stride + head * headDim;
      const w = (row * nHead + head) * blockSize;
      const count = row - first + 1;
      for (let j = 0, k = first * stride + nEmbd + head * headDim; j < count; j++, k += stride) {
        let dot = 0;
        for (let d = 0; d < headDim; d++) dot += qkv[q + d] * qkv[k + d];
        weights[w + j] = dot * scale;
      }
      softmax(weights, w, w + count);
      const o = row * nEmbd + head * headDim;
      const v = first * stride + 2 * nEmbd + head * headDim;
      for (let d = 0; d < headDim; d++) {
        let sum = 0;
        for (let j = 0; j < count; j++) sum += weights[w + j] * qkv[v + j * stride + d];
        out[o + d] = sum;
      }
    }
  }
}

/**
 * Gradient of {@link attention}: sets `dqkv` from `dout`. With `da[j] = dout · v[j]` and the gradient of softmax,
 * `ds[j] = a[j] (da[j] - Σ a da)`; then `dq = Σ ds[j] k[j] / √headDim`, `dk[j] += ds[j] q / √headDim`, `dv[j] += a[j] dout`.
 */
export function attentionBackward(
  dqkv: Float64Array,
  dout: Float64Array,
  weights: Float64Array,
  qkv: Float64Array,
  first: number,
  positions: number,
  { nEmbd, nHead, blockSize }: ModelConfig,
): void {
  const headDim = nEmbd / nHead;
  const stride = 3 * nEmbd;
  const scale = 1 / Math.sqrt(headDim);
  const end = first + positions;
  dqkv.fill(0, first * stride, end * stride);
  for (let row = first; row < end; row++) {
    for (let head = 0; head < nHead; head++) {
      const q = row * stride + head * headDim;
      const o = row * nEmbd + head * headDim;
      const w = (row * nHead + head) * blockSize;
      const count = row - first + 1;
      // Σ a da = dout · Σ a v: the attention's own output would do, but the sum over j is shorter for short documents.
      let mean = 0;
      for (let j = 0, v = first * stride + 2 * nEmbd + head * headDim; j < count; j++, v += stride) {
        const a = weights[w + j];
        let da = 0;
        for (let d = 0; d < headDim; d++) {
          const gradient = dout[o + d];
          da += gradient * qkv[v + d];
          dqkv[v + d] += a * gradient;
        }
        mean += a * da;
      }
      for (let j = 0, k = first * stride + nEmbd + head * headDim; j < count; j++, k += stride) {
        const v = k + nEmbd;
        let da = 0;
        for (let d = 0; d < headDim; d++) da += dout[o + d] * qkv[v + d];
        const ds = weights[w + j] * (da - mean) * scale;
        for (let d = 0; d < headDim; d++) {
          dqkv[q + d] += ds * qkv[k + d];
          dqkv[k + d] += ds * qkv[q + d];
        }
      }
    }
  }
}
