import type { ModelConfig, TrainingTask } from '../../impls/contract.ts';
import { type ParameterMatrix, parameterLayout } from '../task/parameter-layout.ts';

/** One vector a position: `[positions, size]`. */
type Positions = Float64Array;

/** A hidden unit whose relu may tip by rounding, of the document with this place in the batch. */
export interface HiddenUnit {
  readonly document: number;
  readonly layer: number;
  readonly position: number;
  readonly unit: number;
}

type LayerWeights = Readonly<Record<'wq' | 'wk' | 'wv' | 'wo' | 'fc1' | 'fc2', Weights>>;

/** A matrix and its gradient, row by row. The values are a view of the current parameters. */
interface Weights {
  readonly tensor: number;
  values: Float64Array;
  readonly gradient: Float64Array;
  readonly matrix: ParameterMatrix;
}

/** What the backward pass of a layer needs of its forward pass, for up to `most` positions. */
function emptyTrace({ nEmbd, nHead }: ModelConfig, most: number) {
  const [attnNorm, q, k, v, attnOut, mlpNorm] = Array.from({ length: 6 }, () => new Float64Array(most * nEmbd));
  const [attnScale, mlpScale] = [new Float64Array(most), new Float64Array(most)];
  /** `[heads, positions, positions]` */
  const attnWeights = new Float64Array(nHead * most * most);
  const [hidden, isActive] = [new Float64Array(most * 4 * nEmbd), new Uint8Array(most * 4 * nEmbd)];
  return { attnNorm, attnScale, q, k, v, attnWeights, attnOut, mlpNorm, mlpScale, hidden, isActive };
}

type LayerTrace = ReturnType<typeof emptyTrace>;

/** What the layers use in turn, for up to `most` positions. */
function emptyScratch({ nEmbd, vocabSize }: ModelConfig, most: number) {
  const [x, dx, embedding, branch, dbranch, dq, dk, dv] = Array.from(
    { length: 8 },
    () => new Float64Array(most * nEmbd),
  );
  const [embeddingScale, dweights] = [new Float64Array(most), new Float64Array(most)];
  const [logits, dhidden] = [new Float64Array(most * vocabSize), new Float64Array(most * 4 * nEmbd)];
  return { x, dx, embedding, branch, dbranch, dq, dk, dv, embeddingScale, dweights, logits, dhidden };
}

/**
 * The model's loss and gradient at any parameters, in float64: single steps of a trainer are compared with it. It is checked
 * against the plain model (`diagnose/model-gradient.ts`) and the reference's golden losses and gradients. It also says how
 * large the numbers were that rounding acted on, if they cancel.
 */
export class Float64Model {
  /** Of the last loss, `[parameters]`. */
  readonly gradient: Float64Array;
  readonly layout: readonly ParameterMatrix[];
  /** Largest terms that cancel in a gradient, one a tensor. */
  readonly cancelling: Float64Array;
  /** Norms of the vectors whose products are logits, and scores: their rounding is relative to it. */
  logitScale = 0;
  scoreScale = 0;
  /** `1 / (1 - p)` for the mean probability p of the targets: how much larger p and 1 are than their difference. */
  saturation = 1;
  /** Units that lie within rounding of zero, if asked for. */
  readonly doubtful: HiddenUnit[] = [];

  readonly #task: TrainingTask;
  readonly #model: ModelConfig;
  readonly #tensors: readonly Weights[];
  readonly #wte: Weights;
  readonly #wpe: Weights;
  readonly #lmHead: Weights;
  readonly #layers: readonly LayerWeights[];
  readonly #traces: readonly LayerTrace[];
  readonly #scratch: ReturnType<typeof emptyScratch>;
  #flipped: readonly HiddenUnit[] = [];
  #unitRoundoff = 0;
  #targetsMissed = 0;

  constructor(task: TrainingTask) {
    const { model, offsets, parameters } = task;
    this.#task = task;
    this.#model = model;
    this.gradient = new Float64Array(parameters.length);
    this.layout = parameterLayout(model);
    this.cancelling = new Float64Array(this.layout.length);
    this.#tensors = this.layout.map((matrix, tensor): Weights => {
      const end = matrix.offset + matrix.rows * matrix.columns;
      const values = parameters.subarray(matrix.offset, end);
      return { tensor, values, gradient: this.gradient.subarray(matrix.offset, end), matrix };
    });
    const [wte, wpe, lmHead, ...rest] = this.#tensors;
    this.#wte = wte;
    this.#wpe = wpe;
    this.#lmHead = lmHead;
    this.#layers = Array.from({ length: model.nLayer }, (_, i) => {
      const [wq, wk, wv, wo, fc1, fc2] = rest.slice(6 * i, 6 * i + 6);
      return { wq, wk, wv, wo, fc1, fc2 };
    });
    let most = 1;
    for (let d = 0; d + 1 < offsets.length; d++) most = Math.max(most, offsets[d + 1] - offsets[d] - 1);
    this.#traces = this.#layers.map(() => emptyTrace(model, most));
    this.#scratch = emptyScratch(model, most);
  }

  /**
   * Loss of the batch that begins with `firstDocument`; its gradient is then in {@link gradient}.
   * @param flipped hidden units that are taken to lie on the other side of zero
   * @param unitRoundoff above 0, units that this rounding may tip are listed in {@link doubtful}
   */
  lossAt(
    parameters: Float64Array,
    firstDocument: number,
    flipped: readonly HiddenUnit[] = [],
    unitRoundoff = 0,
  ): number {
    const { tokens, offsets, batch } = this.#task;
    const documents = offsets.length - 1;
    for (const weights of this.#tensors) {
      const { offset, rows, columns } = weights.matrix;
      weights.values = parameters.subarray(offset, offset + rows * columns);
    }
    this.gradient.fill(0);
    this.cancelling.fill(0);
    this.logitScale = 0;
    this.scoreScale = 0;
    this.#targetsMissed = 0;
    this.#unitRoundoff = unitRoundoff;
    if (unitRoundoff > 0) this.doubtful.length = 0;
    let loss = 0;
    for (let b = 0; b < batch; b++) {
      const d = (firstDocument + b) % documents;
      this.#flipped = flipped.filter((unit) => unit.document === b);
      loss += this.#addDocument(tokens.subarray(offsets[d], offsets[d + 1]), b) / batch;
    }
    this.saturation = 1 / Math.max(this.#targetsMissed, Number.EPSILON);
    return loss;
  }

  #addDocument(tokens: Int32Array, document: number): number {
    const { nEmbd } = this.#model;
    const n = tokens.length - 1;
    const wte = this.#wte.values;
    const wpe = this.#wpe.values;
    const { x, dx, branch, embedding, embeddingScale, logits } = this.#scratch;
    for (let t = 0; t < n; t++) {
      for (let i = 0; i < nEmbd; i++) branch[t * nEmbd + i] = wte[tokens[t] * nEmbd + i] + wpe[t * nEmbd + i];
    }
    rmsnorm(embedding, embeddingScale, branch, n, nEmbd);
    x.set(embedding.subarray(0, n * nEmbd));
    for (let layer = 0; layer < this.#layers.length; layer++) this.#forwardLayer(layer, n, document);
    const loss = this.#crossEntropy(tokens, n);
    backwardProduct(dx, this.#lmHead, logits, x, n, true);
    for (let layer = this.#layers.length - 1; layer >= 0; layer--) this.#backwardLayer(layer, n);
    this.#backwardEmbedding(tokens, n);
    return loss;
  }

  #forwardLayer(layer: number, n: number, document: number): void {
    const { nEmbd } = this.#model;
    const { wq, wk, wv, wo, fc1, fc2 } = this.#layers[layer];
    const trace = this.#traces[layer];
    const { x, branch } = this.#scratch;
    rmsnorm(trace.attnNorm, trace.attnScale, x, n, nEmbd);
    product(trace.q, trace.attnNorm, wq.values, n, nEmbd, nEmbd);
    product(trace.k, trace.attnNorm, wk.values, n, nEmbd, nEmbd);
    product(trace.v, trace.attnNorm, wv.values, n, nEmbd, nEmbd);
    this.#attend(trace, n);
    product(branch, trace.attnOut, wo.values, n, nEmbd, nEmbd);
    for (let i = 0; i < n * nEmbd; i++) x[i] += branch[i];
    rmsnorm(trace.mlpNorm, trace.mlpScale, x, n, nEmbd);
    product(trace.hidden, trace.mlpNorm, fc1.values, n, 4 * nEmbd, nEmbd);
    this.#relu(trace, fc1.values, n, layer, document);
    product(branch, trace.hidden, fc2.values, n, nEmbd, 4 * nEmbd);
    for (let i = 0; i < n * nEmbd; i++) x[i] += branch[i];
  }

  #relu({ hidden, isActive, mlpNorm }: LayerTrace, fc1: Float64Array, n: number, layer: number, document: number) {
    const { nEmbd } = this.#model;
    const width = 4 * nEmbd;
    if (this.#unitRoundoff > 0) {
      for (let at = 0; at < n * width; at++) {
        const [position, unit] = [Math.floor(at / width), at % width];
        let terms = 0;
        for (let i = 0; i < nEmbd; i++) terms += Math.abs(fc1[unit * nEmbd + i] * mlpNorm[position * nEmbd + i]);
        // A sum of zeros is zero in every arithmetic.
        if (terms > 0 && Math.abs(hidden[at]) <= ROUNDINGS * this.#unitRoundoff * terms) {
          this.doubtful.push({ document, layer, position, unit });
        }
      }
    }
    for (let at = 0; at < n * width; at++) isActive[at] = hidden[at] > 0 ? 1 : 0;
    for (const unit of this.#flipped) if (unit.layer === layer) isActive[unit.position * width + unit.unit] ^= 1;
    for (let at = 0; at < n * width; at++) if (isActive[at] === 0) hidden[at] = 0;
  }

  #attend({ q, k, v, attnWeights, attnOut }: LayerTrace, n: number): void {
    const { nEmbd, nHead } = this.#model;
    const size = nEmbd / nHead;
    const scale = 1 / Math.sqrt(size);
    attnOut.fill(0, 0, n * nEmbd);
    for (let h = 0; h < nHead; h++) {
      let longestKey = 0;
      for (let t = 0; t < n; t++) {
        const row = (h * n + t) * n;
        const at = t * nEmbd + h * size;
        longestKey = Math.max(longestKey, squares(k, at, size));
        this.scoreScale = Math.max(this.scoreScale, Math.sqrt(squares(q, at, size) * longestKey) * scale);
        let largest = Number.NEGATIVE_INFINITY;
        for (let j = 0; j <= t; j++) {
          const other = j * nEmbd + h * size;
          let dot = 0;
          for (let i = 0; i < size; i++) dot += q[at + i] * k[other + i];
          attnWeights[row + j] = dot * scale;
          largest = Math.max(largest, dot * scale);
        }
        let total = 0;
        for (let j = 0; j <= t; j++) total += attnWeights[row + j] = Math.exp(attnWeights[row + j] - largest);
        for (let j = 0; j <= t; j++) {
          const weight = attnWeights[row + j] / total;
          attnWeights[row + j] = weight;
          for (let i = 0; i < size; i++) attnOut[at + i] += weight * v[j * nEmbd + h * size + i];
        }
      }
    }
  }

  /** Leaves the gradient in place of the logits: `(p - [is the target]) / (positions · batch)`. */
  #crossEntropy(tokens: Int32Array, n: number): number {
    const { nEmbd, vocabSize } = this.#model;
    const { x, logits } = this.#scratch;
    product(logits, x, this.#lmHead.values, n, vocabSize, nEmbd);
    let longestRow = 0;
    for (let v = 0; v < vocabSize; v++)
      longestRow = Math.max(longestRow, squares(this.#lmHead.values, v * nEmbd, nEmbd));
    const share = 1 / (n * this.#task.batch);
    let loss = 0;
    for (let t = 0; t < n; t++) {
      this.logitScale = Math.max(this.logitScale, Math.sqrt(longestRow * squares(x, t * nEmbd, nEmbd)));
      const [start, end] = [t * vocabSize, (t + 1) * vocabSize];
      const target = start + tokens[t + 1];
      let largest = Number.NEGATIVE_INFINITY;
      for (let i = start; i < end; i++) largest = Math.max(largest, logits[i]);
      const targetLogit = logits[target] - largest;
      let total = 0;
      for (let i = start; i < end; i++) total += logits[i] = Math.exp(logits[i] - largest);
      const others = total - logits[target];
      loss += Math.log(total) - targetLogit;
      this.#targetsMissed += (others / total) * share;
      for (let i = start; i < end; i++) logits[i] *= share / total;
      // 1 - p as the sum of the others: their difference loses its digits if p is near 1.
      logits[target] = (-share * others) / total;
    }
    return loss / n;
  }

  #backwardLayer(layer: number, n: number): void {
    const { nEmbd } = this.#model;
    const { wq, wk, wv, wo, fc1, fc2 } = this.#layers[layer];
    const trace = this.#traces[layer];
    const { dx, dhidden, branch, dbranch, dq, dk, dv } = this.#scratch;
    backwardProduct(dhidden, fc2, dx, trace.hidden, n, true);
    for (let at = 0; at < n * 4 * nEmbd; at++) if (trace.isActive[at] === 0) dhidden[at] = 0;
    backwardProduct(dbranch, fc1, dhidden, trace.mlpNorm, n, true);
    addRmsnormGradient(dx, dbranch, trace.mlpNorm, trace.mlpScale, n, nEmbd);

    backwardProduct(branch, wo, dx, trace.attnOut, n, true);
    this.#backwardAttention(trace, branch, layer, n);
    backwardProduct(dbranch, wq, dq, trace.attnNorm, n, true);
    backwardProduct(dbranch, wk, dk, trace.attnNorm, n, false);
    backwardProduct(dbranch, wv, dv, trace.attnNorm, n, false);
    addRmsnormGradient(dx, dbranch, trace.attnNorm, trace.attnScale, n, nEmbd);
  }

  #backwardAttention({ q, k, v, attnNorm, attnWeights }: LayerTrace, dout: Positions, layer: number, n: number): void {
    const { nEmbd, nHead } = this.#model;
    const size = nEmbd / nHead;
    const scale = 1 / Math.sqrt(size);
    const { dq, dk, dv, dweights } = this.#scratch;
    const { wq, wk } = this.#layers[layer];
    let [ofQueries, ofKeys] = [0, 0];
    for (const gradient of [dq, dk, dv]) gradient.fill(0, 0, n * nEmbd);
    for (let h = 0; h < nHead; h++) {
      for (let t = 0; t < n; t++) {
        const row = (h * n + t) * n;
        const at = t * nEmbd + h * size;
        let mean = 0;
        for (let j = 0; j <= t; j++) {
          let dot = 0;
          for (let i = 0; i < size; i++) dot += dout[at + i] * v[j * nEmbd + h * size + i];
          dweights[j] = dot;
          mean += attnWeights[row + j] * dot;
        }
        let longestKey = 0;
        for (let j = 0; j <= t; j++) {
          const other = j * nEmbd + h * size;
          const weight = attnWeights[row + j];
          const dscore = weight * (dweights[j] - mean) * scale;
          const terms = weight * (Math.abs(dweights[j]) + Math.abs(mean)) * scale;
          longestKey = Math.max(longestKey, terms * largest(k, other, size));
          ofKeys = Math.max(ofKeys, terms * largest(q, at, size) * largest(attnNorm, j * nEmbd, nEmbd));
          for (let i = 0; i < size; i++) {
            dq[at + i] += dscore * k[other + i];
            dk[other + i] += dscore * q[at + i];
            dv[other + i] += weight * dout[at + i];
          }
        }
        ofQueries = Math.max(ofQueries, longestKey * largest(attnNorm, t * nEmbd, nEmbd));
      }
    }
    this.#sawCancelling(wq.tensor, ofQueries);
    this.#sawCancelling(wk.tensor, ofKeys);
  }

  #backwardEmbedding(tokens: Int32Array, n: number): void {
    const { nEmbd } = this.#model;
    const { dx, dbranch: sum, embedding, embeddingScale } = this.#scratch;
    sum.fill(0, 0, n * nEmbd);
    addRmsnormGradient(sum, dx, embedding, embeddingScale, n, nEmbd);
    for (let t = 0; t < n; t++) {
      const terms = embeddingScale[t] * largest(dx, t * nEmbd, nEmbd);
      this.#sawCancelling(this.#wte.tensor, terms);
      this.#sawCancelling(this.#wpe.tensor, terms);
      for (let i = 0; i < nEmbd; i++) {
        this.#wte.gradient[tokens[t] * nEmbd + i] += sum[t * nEmbd + i];
        this.#wpe.gradient[t * nEmbd + i] += sum[t * nEmbd + i];
      }
    }
  }

  #sawCancelling(tensor: number, terms: number): void {
    this.cancelling[tensor] = Math.max(this.cancelling[tensor], terms);
  }
}

/** Roundings that may add up in a sum and in what it sums: allowed of gradients, and of what a relu decides on. */
export const ROUNDINGS = 64;

function squares(x: Float64Array, start: number, size: number): number {
  let sum = 0;
  for (let i = start; i < start + size; i++) sum += x[i] * x[i];
  return sum;
}

function largest(x: Float64Array, start: number, size: number): number {
  let most = 0;
  for (let i = start; i < start + size; i++) most = Math.max(most, Math.abs(x[i]));
  return most;
}

/** `y = x · s` with `s = (mean(x²) + 1e-5)^(-1/2)`, position by position. */
function rmsnorm(y: Positions, scales: Float64Array, x: Positions, n: number, width: number): void {
  for (let t = 0; t < n; t++) {
    const scale = 1 / Math.sqrt(squares(x, t * width, width) / width + 1e-5);
    for (let i = t * width; i < (t + 1) * width; i++) y[i] = x[i] * scale;
    scales[t] = scale;
  }
}

/** Adds `s · (dy - y · mean(dy · y))`, the gradient of {@link rmsnorm}, to `dx`. */
function addRmsnormGradient(
  dx: Positions,
  dy: Positions,
  y: Positions,
  scales: Float64Array,
  n: number,
  width: number,
): void {
  for (let t = 0; t < n; t++) {
    let dot = 0;
    for (let i = t * width; i < (t + 1) * width; i++) dot += dy[i] * y[i];
    const mean = dot / width;
    for (let i = t * width; i < (t + 1) * width; i++) dx[i] += scales[t] * (dy[i] - y[i] * mean);
  }
}

/** `y = x Wᵀ`: y `[n, outputs]`, x `[n, inputs]`, W `[outputs, inputs]`. Four sums at a time, which do not wait for each other. */
function product(y: Positions, x: Positions, w: Float64Array, n: number, outputs: number, inputs: number): void {
  for (let t = 0; t < n; t++) {
    const from = t * inputs;
    let o = 0;
    for (; o + 4 <= outputs; o += 4) {
      const [w0, w1, w2, w3] = [o * inputs, (o + 1) * inputs, (o + 2) * inputs, (o + 3) * inputs];
      let [sum0, sum1, sum2, sum3] = [0, 0, 0, 0];
      for (let i = 0; i < inputs; i++) {
        const value = x[from + i];
        sum0 += value * w[w0 + i];
        sum1 += value * w[w1 + i];
        sum2 += value * w[w2 + i];
        sum3 += value * w[w3 + i];
      }
      const to = t * outputs + o;
      y[to] = sum0;
      y[to + 1] = sum1;
      y[to + 2] = sum2;
      y[to + 3] = sum3;
    }
    for (; o < outputs; o++) {
      let sum = 0;
      for (let i = 0; i < inputs; i++) sum += x[from + i] * w[o * inputs + i];
      y[t * outputs + o] = sum;
    }
  }
}

/** Adds `dyᵀ x` to the gradient of W, and sets dx to `dy W`, or adds to it. */
function backwardProduct(
  dx: Positions,
  { values, gradient, matrix }: Weights,
  dy: Positions,
  x: Positions,
  n: number,
  replaces: boolean,
): void {
  const { rows: outputs, columns: inputs } = matrix;
  if (replaces) dx.fill(0, 0, n * inputs);
  for (let t = 0; t < n; t++) addCombination(dx, t * inputs, inputs, dy, t * outputs, 1, values, outputs);
  for (let o = 0; o < outputs; o++) addCombination(gradient, o * inputs, inputs, dy, o, outputs, x, n);
}

/** Adds `Σ_k factors[start + k · stride] · rows[k]` to the row of `sum` that begins at `at`; four rows at a time. */
function addCombination(
  sum: Float64Array,
  at: number,
  width: number,
  factors: Float64Array,
  start: number,
  stride: number,
  rows: Float64Array,
  count: number,
): void {
  let k = 0;
  for (; k + 4 <= count; k += 4) {
    const f0 = factors[start + k * stride];
    const f1 = factors[start + (k + 1) * stride];
    const f2 = factors[start + (k + 2) * stride];
    const f3 = factors[start + (k + 3) * stride];
    if (f0 === 0 && f1 === 0 && f2 === 0 && f3 === 0) continue;
    const [r0, r1, r2, r3] = [k * width, (k + 1) * width, (k + 2) * width, (k + 3) * width];
    for (let i = 0; i < width; i++) {
      sum[at + i] += f0 * rows[r0 + i] + f1 * rows[r1 + i] + (f2 * rows[r2 + i] + f3 * rows[r3 + i]);
    }
  }
  for (; k < count; k++) {
    const factor = factors[start + k * stride];
    if (factor === 0) continue;
    for (let i = 0; i < width; i++) sum[at + i] += factor * rows[k * width + i];
  }
}
