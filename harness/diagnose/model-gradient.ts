import type { ModelConfig } from '../../impls/contract.ts';
import { parameterLayout } from '../task/parameter-layout.ts';
import type { TrainingRules } from './training-rules.ts';

/** Views of one matrix and of its gradient, row by row. */
interface Weights {
  readonly values: Float64Array;
  readonly gradient: Float64Array;
}

interface LayerWeights {
  readonly attnWq: Weights;
  readonly attnWk: Weights;
  readonly attnWv: Weights;
  readonly attnWo: Weights;
  readonly mlpFc1: Weights;
  readonly mlpFc2: Weights;
}

/** One vector per position: `[positions · size]`. */
type Positions = Float64Array;

/** What the backward pass of a layer needs of its forward pass. */
interface LayerTrace {
  readonly input: Positions;
  readonly attnNorm: Positions;
  readonly q: Positions;
  readonly k: Positions;
  readonly v: Positions;
  /** `[heads · positions · positions]`: how much position t of a head attends to position j. */
  readonly attnWeights: Float64Array;
  readonly attnOut: Positions;
  readonly middle: Positions;
  readonly mlpNorm: Positions;
  readonly hidden: Positions;
}

/**
 * The model's loss on one document and its gradient in float64, by the reference's formulas or with the changes that `rules`
 * make. Written to be plain: a trainer's fault is found by it.
 */
export class ModelGradient {
  readonly #model: ModelConfig;
  readonly #rules: TrainingRules;
  readonly #wte: Weights;
  readonly #wpe: Weights;
  readonly #lmHead: Weights;
  readonly #layers: readonly LayerWeights[];
  readonly #nHead: number;
  /** By head. */
  readonly #features: readonly (readonly number[])[];

  /** @param gradient `addGradient` of a {@link document} adds to it; same order as `parameters` */
  constructor(model: ModelConfig, rules: TrainingRules, parameters: Float64Array, gradient: Float64Array) {
    this.#model = model;
    this.#rules = rules;
    this.#nHead = rules.heads(model.nHead);
    const headDim = model.nEmbd / this.#nHead;
    this.#features = Array.from({ length: this.#nHead }, (_, head) =>
      Array.from({ length: headDim }, (_, i) =>
        rules.headFeatures === 'side by side' ? head * headDim + i : i * this.#nHead + head,
      ),
    );
    const matrices = new Map(
      parameterLayout(model).map(({ name, rows, columns, offset }) => [
        name,
        {
          values: parameters.subarray(offset, offset + rows * columns),
          gradient: gradient.subarray(offset, offset + rows * columns),
        },
      ]),
    );
    const weights = (name: string): Weights => {
      const found = matrices.get(name);
      if (found === undefined) throw new Error(`no matrix ${name} in the parameter layout`);
      return found;
    };
    this.#wte = weights('wte');
    this.#wpe = weights('wpe');
    this.#lmHead = weights(rules.outputMatrix);
    this.#layers = Array.from({ length: model.nLayer }, (_, i) => ({
      attnWq: weights(`layer${i}.attn_wq`),
      attnWk: weights(`layer${i}.attn_wk`),
      attnWv: weights(`layer${i}.attn_wv`),
      attnWo: weights(`layer${i}.attn_wo`),
      mlpFc1: weights(`layer${i}.mlp_fc1`),
      mlpFc2: weights(`layer${i}.mlp_fc2`),
    }));
  }

  /** The loss of a document, and what adds its gradient, times `weight`. `tokens` is `[BOS, …, BOS]`. */
  document(allTokens: Int32Array, weight: number): { readonly loss: number; readonly addGradient: () => void } {
    const { nEmbd, blockSize } = this.#model;
    const tokens = cut(allTokens, this.#rules.tokens);
    const positions = tokens.length - 1;
    const embedded = this.#embed(tokens, positions);
    let x = this.#rules.normAfterEmbedding ? this.#rmsnorm(embedded) : embedded;
    const traces = this.#layers.map((layer) => {
      const { trace, output } = this.#forwardLayer(layer, x, positions);
      x = output;
      return trace;
    });
    const last = this.#rules.normBeforeLmHead ? this.#rmsnorm(x) : x;
    const { loss, dLogits } = this.#crossEntropy(product(this.#lmHead.values, last, nEmbd), tokens, weight);

    const addGradient = () => {
      let dx = this.#backwardProduct(this.#lmHead, last, dLogits, nEmbd);
      if (this.#rules.normBeforeLmHead) dx = this.#rmsnormBackward(x, dx);
      for (const [i, trace] of [...traces.entries()].reverse())
        dx = this.#backwardLayer(this.#layers[i], trace, dx, positions);
      if (this.#rules.normAfterEmbedding) dx = this.#rmsnormBackward(embedded, dx);
      const overwrites = this.#rules.embeddingGradients === 'overwritten';
      for (let t = 0; t < positions; t++) {
        const row = this.#rules.positionRow(t, positions, blockSize);
        for (let i = 0; i < nEmbd; i++) {
          const at = tokens[t] * nEmbd + i;
          this.#wte.gradient[at] = (overwrites ? 0 : this.#wte.gradient[at]) + dx[t * nEmbd + i];
          if (row !== undefined) this.#wpe.gradient[row * nEmbd + i] += dx[t * nEmbd + i];
        }
      }
    };
    return { loss, addGradient };
  }

  #embed(tokens: Int32Array, positions: number): Positions {
    const { nEmbd, blockSize } = this.#model;
    return Float64Array.from({ length: positions * nEmbd }, (_, at) => {
      const t = Math.floor(at / nEmbd);
      const row = this.#rules.positionRow(t, positions, blockSize);
      const position = row === undefined ? 0 : this.#wpe.values[row * nEmbd + (at % nEmbd)];
      return this.#wte.values[tokens[t] * nEmbd + (at % nEmbd)] + position;
    });
  }

  #forwardLayer(layer: LayerWeights, input: Positions, positions: number): { trace: LayerTrace; output: Positions } {
    const { nEmbd } = this.#model;
    const attnNorm = this.#rules.normBeforeAttention ? this.#rmsnorm(input) : input;
    const q = product(layer.attnWq.values, attnNorm, nEmbd);
    const k = product(layer.attnWk.values, attnNorm, nEmbd);
    const v = product(this.#valueWeights(layer).values, attnNorm, nEmbd);
    const attnWeights = this.#attentionWeights(q, k, positions);
    const attnOut = this.#attend(attnWeights, v, positions);
    const middle = this.#rules.outputProjection ? product(layer.attnWo.values, attnOut, nEmbd) : attnOut.slice();
    if (this.#rules.attentionResidual) add(middle, input);
    const mlpNorm = this.#rules.normBeforeMlp ? this.#rmsnorm(middle) : middle;
    const hidden = product(layer.mlpFc1.values, mlpNorm, nEmbd);
    const output = product(layer.mlpFc2.values, hidden.map(this.#rules.activation.value), 4 * nEmbd);
    if (this.#rules.mlpResidual) add(output, middle);
    return { trace: { input, attnNorm, q, k, v, attnWeights, attnOut, middle, mlpNorm, hidden }, output };
  }

  #backwardLayer(layer: LayerWeights, trace: LayerTrace, dOutput: Positions, positions: number): Positions {
    const { nEmbd } = this.#model;
    const dActivated = this.#backwardProduct(
      layer.mlpFc2,
      trace.hidden.map(this.#rules.activation.value),
      dOutput,
      4 * nEmbd,
    );
    const { slope } = this.#rules.activation;
    const dHidden = dActivated.map((d, at) => d * slope(trace.hidden[at]));
    const dMlpNorm = this.#backwardProduct(layer.mlpFc1, trace.mlpNorm, dHidden, nEmbd);
    const dMiddle = this.#rules.normBeforeMlp ? this.#rmsnormBackward(trace.middle, dMlpNorm) : dMlpNorm;
    if (this.#rules.mlpResidual && this.#rules.mlpResidualBackward) add(dMiddle, dOutput);

    const dAttended = this.#rules.outputProjection
      ? this.#backwardProduct(layer.attnWo, trace.attnOut, dMiddle, nEmbd)
      : dMiddle;
    const { dq, dk, dv } = this.#attentionBackward(trace, dAttended, positions);
    const dAttnNorm = this.#backwardProduct(layer.attnWq, trace.attnNorm, dq, nEmbd);
    add(dAttnNorm, this.#backwardProduct(layer.attnWk, trace.attnNorm, dk, nEmbd));
    add(dAttnNorm, this.#backwardProduct(this.#valueWeights(layer), trace.attnNorm, dv, nEmbd));
    const dInput = this.#rules.normBeforeAttention ? this.#rmsnormBackward(trace.input, dAttnNorm) : dAttnNorm;
    if (this.#rules.attentionResidual && this.#rules.attentionResidualBackward) add(dInput, dMiddle);
    return dInput;
  }

  #valueWeights(layer: LayerWeights): Weights {
    return this.#rules.valueMatrix === 'attn_wv' ? layer.attnWv : layer.attnWk;
  }

  /** Adds `dy xᵀ`, over all positions, to the weights' gradient and returns `Wᵀ dy`. `columns` is the size of x's vectors. */
  #backwardProduct(weights: Weights, x: Positions, dy: Positions, columns: number): Positions {
    const rows = weights.values.length / columns;
    const dx = new Float64Array(x.length);
    for (let t = 0; t < x.length / columns; t++) {
      for (let r = 0; r < rows; r++) {
        const d = dy[t * rows + r];
        if (d === 0) continue;
        for (let c = 0; c < columns; c++) {
          weights.gradient[r * columns + c] += d * x[t * columns + c];
          dx[t * columns + c] += d * weights.values[r * columns + c];
        }
      }
    }
    return dx;
  }

  #rmsnorm(x: Positions): Positions {
    const { nEmbd } = this.#model;
    const normed = this.#centred(x);
    for (let at = 0; at < x.length; at += nEmbd) {
      const { scale } = this.#rmsnormScale(normed, at);
      for (let i = at; i < at + nEmbd; i++) normed[i] *= scale;
    }
    return normed;
  }

  /** A copy, without the mean of each vector if the rules say so. */
  #centred(x: Positions): Positions {
    const { nEmbd } = this.#model;
    const copy = x.slice();
    if (this.#rules.rmsnorm !== 'centred') return copy;
    for (let at = 0; at < x.length; at += nEmbd) {
      const mean = x.subarray(at, at + nEmbd).reduce((sum, value) => sum + value, 0) / nEmbd;
      for (let i = at; i < at + nEmbd; i++) copy[i] -= mean;
    }
    return copy;
  }

  /** The scale s, and what `x (dy · x)` is multiplied by in its derivative: s³ / n where s = (Σx² / n + ε)^-½. */
  #rmsnormScale(x: Positions, at: number): { readonly scale: number; readonly pull: number } {
    const { nEmbd } = this.#model;
    const { rmsnormEpsilon, rmsnormEpsilonPlace } = this.#rules;
    const size = this.#rules.rmsnorm === 'sum of squares' ? 1 : nEmbd;
    let squares = 0;
    for (let i = at; i < at + nEmbd; i++) squares += x[i] * x[i];
    if (rmsnormEpsilonPlace === 'inside the root') {
      const scale = 1 / Math.sqrt(squares / size + rmsnormEpsilon);
      return { scale, pull: scale ** 3 / size };
    }
    const root = Math.sqrt(squares / size);
    const scale = 1 / (root + rmsnormEpsilon);
    const isAsInside = this.#rules.rmsnormDerivative === 'as if epsilon were inside the root';
    return { scale, pull: isAsInside ? scale ** 3 / size : scale ** 2 / (root * size) };
  }

  /** With s the scale: `dx = s dy - x s³ (dy · x) / n`. */
  #rmsnormBackward(x: Positions, dy: Positions): Positions {
    const { nEmbd } = this.#model;
    const { rmsnormDerivative } = this.#rules;
    if (rmsnormDerivative === 'none') return dy.slice();
    const centred = this.#centred(x);
    const dx = new Float64Array(x.length);
    for (let at = 0; at < x.length; at += nEmbd) {
      const { scale, pull } = this.#rmsnormScale(centred, at);
      let dot = 0;
      for (let i = at; i < at + nEmbd; i++) dot += dy[i] * centred[i];
      const pulled = rmsnormDerivative === 'scale only' ? 0 : pull * dot;
      for (let i = at; i < at + nEmbd; i++) dx[i] = scale * dy[i] - pulled * centred[i];
    }
    return this.#centred(dx);
  }

  /** How many positions, from the first on, a position attends to. */
  #seen(position: number, positions: number): number {
    if (this.#rules.sees === 'all') return positions;
    return this.#rules.sees === 'earlier ones' ? Math.max(1, position) : position + 1;
  }

  #attentionWeights(q: Positions, k: Positions, positions: number): Float64Array {
    const { nEmbd, blockSize } = this.#model;
    const nHead = this.#nHead;
    const headDim = nEmbd / nHead;
    const divisor = this.#rules.attentionDivisor(headDim, nEmbd);
    const attnWeights = new Float64Array(nHead * positions * positions);
    for (let h = 0; h < nHead; h++) {
      for (let t = 0; t < positions; t++) {
        const seen = this.#seen(t, positions);
        const scores = attnWeights.subarray((h * positions + t) * positions, (h * positions + t) * positions + seen);
        for (let j = 0; j < seen; j++) {
          let dot = 0;
          for (const i of this.#featuresOf(h)) dot += q[t * nEmbd + i] * k[j * nEmbd + i];
          scores[j] = dot / divisor;
        }
        this.#softmax(scores, this.#rules.softmaxCountsUnseen ? blockSize - seen : 0);
      }
    }
    return attnWeights;
  }

  #featuresOf(head: number): readonly number[] {
    return this.#features[head];
  }

  #attend(attnWeights: Float64Array, v: Positions, positions: number): Positions {
    const { nEmbd } = this.#model;
    const attnOut = new Float64Array(v.length);
    for (let at = 0; at < attnWeights.length; at++) {
      if (attnWeights[at] === 0) continue;
      const { h, t, j } = place(at, positions);
      for (const i of this.#featuresOf(h)) attnOut[t * nEmbd + i] += attnWeights[at] * v[j * nEmbd + i];
    }
    return attnOut;
  }

  #attentionBackward(trace: LayerTrace, dAttended: Positions, positions: number) {
    const { nEmbd } = this.#model;
    const nHead = this.#nHead;
    const headDim = nEmbd / nHead;
    const { attentionDivisor, attentionDivisorBackward = attentionDivisor } = this.#rules;
    const divisor = attentionDivisorBackward(headDim, nEmbd);
    const [dq, dk, dv] = [trace.q, trace.k, trace.v].map((vectors) => new Float64Array(vectors.length));
    for (let row = 0; row < nHead * positions; row++) {
      const { h, t } = place(row * positions, positions);
      const weights = trace.attnWeights.subarray(row * positions, (row + 1) * positions);
      const dWeights = weights.map((_, j) => {
        let dot = 0;
        for (const i of this.#featuresOf(h)) dot += dAttended[t * nEmbd + i] * trace.v[j * nEmbd + i];
        return dot;
      });
      const isWhole = this.#rules.softmaxDerivative === 'whole';
      const mean = isWhole ? weights.reduce((sum, weight, j) => sum + weight * dWeights[j], 0) : 0;
      for (let j = 0; j < positions; j++) {
        if (weights[j] === 0) continue;
        const dScore = (weights[j] * (dWeights[j] - mean)) / divisor;
        const { keyGradients, queryGradients } = this.#rules;
        const reachesKey = keyGradients === 'every position' || (keyGradients === 'own position' && j === t);
        const reachesValue = this.#rules.valueGradients === 'every position' || j === t;
        for (const i of this.#featuresOf(h)) {
          if (queryGradients) dq[t * nEmbd + i] += dScore * trace.k[j * nEmbd + i];
          if (reachesKey) dk[j * nEmbd + i] += dScore * trace.q[t * nEmbd + i];
          if (reachesValue) dv[j * nEmbd + i] += weights[j] * dAttended[t * nEmbd + i];
        }
      }
    }
    return { dq, dk, dv };
  }

  /** `zeros` more scores of 0 count; their weights are not kept. */
  #softmax(scores: Float64Array, zeros = 0): void {
    const maximum = this.#rules.softmaxSubtractsMaximum
      ? scores.reduce((most, score) => Math.max(most, score), -Infinity)
      : 0;
    let sum = zeros * Math.exp(-maximum);
    for (let j = 0; j < scores.length; j++) sum += scores[j] = Math.exp(scores[j] - maximum);
    for (let j = 0; j < scores.length; j++) scores[j] /= sum;
  }

  #crossEntropy(logits: Positions, tokens: Int32Array, weight: number): { loss: number; dLogits: Positions } {
    const { vocabSize, blockSize } = this.#model;
    const positions = tokens.length - 1;
    const lossWeight = this.#rules.lossWeight(positions, blockSize);
    const gradientWeight = this.#rules.gradientWeight(positions, blockSize) * weight;
    let loss = 0;
    for (let t = 0; t < positions; t++) {
      const probabilities = logits.subarray(t * vocabSize, (t + 1) * vocabSize);
      this.#softmax(probabilities);
      const target = tokens[this.#rules.target === 'the next token' ? t + 1 : t];
      if (!this.#counts(t, positions, tokens[t + 1])) {
        probabilities.fill(0);
        continue;
      }
      loss -= lossWeight * Math.log(probabilities[target]);
      probabilities[target] -= this.#rules.targetShare;
      for (let i = 0; i < vocabSize; i++) probabilities[i] *= gradientWeight;
    }
    return { loss, dLogits: logits };
  }

  #counts(position: number, positions: number, next: number): boolean {
    if (positions < 2) return true;
    switch (this.#rules.counts) {
      case 'every position':
        return true;
      case 'all but the first':
        return position > 0;
      case 'all but the last':
        return position < positions - 1;
      case 'all but those before BOS':
        return next !== this.#model.vocabSize - 1;
    }
  }
}

function cut(tokens: Int32Array, rule: TrainingRules['tokens']): Int32Array {
  if (tokens.length <= 2 || rule === 'all') return tokens;
  return rule === 'without the last' ? tokens.subarray(0, -1) : tokens.subarray(1);
}

/** `W x` for every position; `columns` is the size of x's vectors. */
function product(matrix: Float64Array, x: Positions, columns: number): Positions {
  const rows = matrix.length / columns;
  const positions = x.length / columns;
  const y = new Float64Array(positions * rows);
  for (let t = 0; t < positions; t++) {
    for (let r = 0; r < rows; r++) {
      let sum = 0;
      for (let c = 0; c < columns; c++) sum += matrix[r * columns + c] * x[t * columns + c];
      y[t * rows + r] = sum;
    }
  }
  return y;
}

function add(target: Float64Array, other: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i] += other[i];
}

/** Head, position and attended position of an index into `attnWeights`. */
function place(at: number, positions: number): { readonly h: number; readonly t: number; readonly j: number } {
  const row = Math.floor(at / positions);
  return { h: Math.floor(row / positions), t: row % positions, j: at % positions };
}
