import type { ModelConfig } from '../../impls/contract.ts';
import { parameterLayout } from '../task/parameter-layout.ts';
import type { TrainingRules } from './training-rules.ts';

/** A view of one matrix, row by row, and of its gradient. */
interface Weights {
  readonly values: Float64Array;
  readonly gradient: Float64Array;
}

interface LayerWeights {
  readonly wq: Weights;
  readonly wk: Weights;
  readonly wv: Weights;
  readonly wo: Weights;
  readonly fc1: Weights;
  readonly fc2: Weights;
}

/** Vectors of one size, one per position: `[positions · size]`. */
type Positions = Float64Array;

/** What the backward pass of a layer needs to know of its forward pass. */
interface LayerTrace {
  readonly input: Positions;
  readonly normedInput: Positions;
  readonly q: Positions;
  readonly k: Positions;
  readonly v: Positions;
  /** `[heads · positions · positions]`: how much position t of a head attends to position j. */
  readonly attention: Float64Array;
  readonly attended: Positions;
  readonly middle: Positions;
  readonly normedMiddle: Positions;
  readonly hidden: Positions;
}

/**
 * The model's loss on one document and its gradient, by the formulas of the reference in float64, under given rules.
 * Written for plainness: this is what a trainer is judged by when its fault is looked for.
 */
export class ModelGradient {
  readonly #model: ModelConfig;
  readonly #rules: TrainingRules;
  readonly #wte: Weights;
  readonly #wpe: Weights;
  readonly #lmHead: Weights;
  readonly #layers: readonly LayerWeights[];

  /** @param gradient where {@link addDocument} adds up what it finds; same length and order as `parameters` */
  constructor(model: ModelConfig, rules: TrainingRules, parameters: Float64Array, gradient: Float64Array) {
    this.#model = model;
    this.#rules = rules;
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
    this.#lmHead = weights('lm_head');
    this.#layers = Array.from({ length: model.nLayer }, (_, i) => ({
      wq: weights(`layer${i}.attn_wq`),
      wk: weights(`layer${i}.attn_wk`),
      wv: weights(`layer${i}.attn_wv`),
      wo: weights(`layer${i}.attn_wo`),
      fc1: weights(`layer${i}.mlp_fc1`),
      fc2: weights(`layer${i}.mlp_fc2`),
    }));
  }

  /** Adds the gradient of a document's loss, divided by `documents`, and returns its loss. `tokens` is `[BOS, …, BOS]`. */
  addDocument(tokens: Int32Array, documents: number): number {
    const positions = tokens.length - 1;
    const { nEmbd } = this.#model;
    const embedded = this.#embed(tokens, positions);
    let x = this.#rules.normAfterEmbedding ? this.#rmsnorm(embedded) : embedded;
    const traces = this.#layers.map((layer) => {
      const { trace, output } = this.#forwardLayer(layer, x, positions);
      x = output;
      return trace;
    });
    const last = this.#rules.normBeforeLmHead ? this.#rmsnorm(x) : x;
    const { loss, dLogits } = this.#crossEntropy(product(this.#lmHead.values, last, nEmbd), tokens, documents);

    let dx = this.#backwardProduct(this.#lmHead, last, dLogits, nEmbd);
    if (this.#rules.normBeforeLmHead) dx = this.#rmsnormBackward(x, dx);
    for (const [i, trace] of [...traces.entries()].reverse())
      dx = this.#backwardLayer(this.#layers[i], trace, dx, positions);
    if (this.#rules.normAfterEmbedding) dx = this.#rmsnormBackward(embedded, dx);
    for (let t = 0; t < positions; t++) {
      for (let i = 0; i < nEmbd; i++) {
        this.#wte.gradient[tokens[t] * nEmbd + i] += dx[t * nEmbd + i];
        this.#wpe.gradient[t * nEmbd + i] += dx[t * nEmbd + i];
      }
    }
    return loss;
  }

  #embed(tokens: Int32Array, positions: number): Positions {
    const { nEmbd } = this.#model;
    return Float64Array.from({ length: positions * nEmbd }, (_, at) => {
      const t = Math.floor(at / nEmbd);
      return this.#wte.values[tokens[t] * nEmbd + (at % nEmbd)] + this.#wpe.values[at];
    });
  }

  #forwardLayer(layer: LayerWeights, input: Positions, positions: number): { trace: LayerTrace; output: Positions } {
    const { nEmbd } = this.#model;
    const normedInput = this.#rmsnorm(input);
    const q = product(layer.wq.values, normedInput, nEmbd);
    const k = product(layer.wk.values, normedInput, nEmbd);
    const v = product(layer.wv.values, normedInput, nEmbd);
    const attention = this.#attentionWeights(q, k, positions);
    const attended = this.#attend(attention, v, positions);
    const middle = product(layer.wo.values, attended, nEmbd);
    if (this.#rules.attentionResidual) add(middle, input);
    const normedMiddle = this.#rmsnorm(middle);
    const hidden = product(layer.fc1.values, normedMiddle, nEmbd);
    const output = product(layer.fc2.values, hidden.map(relu), 4 * nEmbd);
    if (this.#rules.mlpResidual) add(output, middle);
    return { trace: { input, normedInput, q, k, v, attention, attended, middle, normedMiddle, hidden }, output };
  }

  #backwardLayer(layer: LayerWeights, trace: LayerTrace, dOutput: Positions, positions: number): Positions {
    const { nEmbd } = this.#model;
    const dActivated = this.#backwardProduct(layer.fc2, trace.hidden.map(relu), dOutput, 4 * nEmbd);
    const whole = this.#rules.reluDerivative === 'one';
    const dHidden = dActivated.map((d, at) => (whole || trace.hidden[at] > 0 ? d : 0));
    const dNormedMiddle = this.#backwardProduct(layer.fc1, trace.normedMiddle, dHidden, nEmbd);
    const dMiddle = this.#rmsnormBackward(trace.middle, dNormedMiddle);
    if (this.#rules.mlpResidual) add(dMiddle, dOutput);

    const dAttended = this.#backwardProduct(layer.wo, trace.attended, dMiddle, nEmbd);
    const { dq, dk, dv } = this.#attentionBackward(trace, dAttended, positions);
    const dNormedInput = this.#backwardProduct(layer.wq, trace.normedInput, dq, nEmbd);
    add(dNormedInput, this.#backwardProduct(layer.wk, trace.normedInput, dk, nEmbd));
    add(dNormedInput, this.#backwardProduct(layer.wv, trace.normedInput, dv, nEmbd));
    const dInput = this.#rmsnormBackward(trace.input, dNormedInput);
    if (this.#rules.attentionResidual) add(dInput, dMiddle);
    return dInput;
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
    const normed = new Float64Array(x.length);
    for (let at = 0; at < x.length; at += nEmbd) {
      const scale = this.#rmsnormScale(x, at);
      for (let i = at; i < at + nEmbd; i++) normed[i] = x[i] * scale;
    }
    return normed;
  }

  #rmsnormScale(x: Positions, at: number): number {
    const { nEmbd } = this.#model;
    let squares = 0;
    for (let i = at; i < at + nEmbd; i++) squares += x[i] * x[i];
    return 1 / Math.sqrt(squares / nEmbd + this.#rules.rmsnormEpsilon);
  }

  /** With s the scale: `dx = s dy - x s³ (dy · x) / n`. */
  #rmsnormBackward(x: Positions, dy: Positions): Positions {
    const { nEmbd } = this.#model;
    const dx = new Float64Array(x.length);
    for (let at = 0; at < x.length; at += nEmbd) {
      const scale = this.#rmsnormScale(x, at);
      let dot = 0;
      for (let i = at; i < at + nEmbd; i++) dot += dy[i] * x[i];
      const pull = this.#rules.rmsnormDerivative === 'whole' ? (scale ** 3 * dot) / nEmbd : 0;
      for (let i = at; i < at + nEmbd; i++) dx[i] = scale * dy[i] - pull * x[i];
    }
    return dx;
  }

  #attentionWeights(q: Positions, k: Positions, positions: number): Float64Array {
    const { nEmbd, nHead } = this.#model;
    const headDim = nEmbd / nHead;
    const divisor = this.#rules.attentionDivisor(headDim, nEmbd);
    const attention = new Float64Array(nHead * positions * positions);
    for (let h = 0; h < nHead; h++) {
      for (let t = 0; t < positions; t++) {
        const seen = this.#rules.causal ? t + 1 : positions;
        const scores = attention.subarray((h * positions + t) * positions, (h * positions + t) * positions + seen);
        for (let j = 0; j < seen; j++) {
          let dot = 0;
          for (let i = h * headDim; i < (h + 1) * headDim; i++) dot += q[t * nEmbd + i] * k[j * nEmbd + i];
          scores[j] = dot / divisor;
        }
        this.#softmax(scores);
      }
    }
    return attention;
  }

  #attend(attention: Float64Array, v: Positions, positions: number): Positions {
    const { nEmbd, nHead } = this.#model;
    const headDim = nEmbd / nHead;
    const attended = new Float64Array(v.length);
    for (let at = 0; at < attention.length; at++) {
      if (attention[at] === 0) continue;
      const { h, t, j } = place(at, positions);
      for (let i = h * headDim; i < (h + 1) * headDim; i++) attended[t * nEmbd + i] += attention[at] * v[j * nEmbd + i];
    }
    return attended;
  }

  #attentionBackward(trace: LayerTrace, dAttended: Positions, positions: number) {
    const { nEmbd, nHead } = this.#model;
    const headDim = nEmbd / nHead;
    const divisor = this.#rules.attentionDivisor(headDim, nEmbd);
    const [dq, dk, dv] = [trace.q, trace.k, trace.v].map((vectors) => new Float64Array(vectors.length));
    for (let row = 0; row < nHead * positions; row++) {
      const { h, t } = place(row * positions, positions);
      const weights = trace.attention.subarray(row * positions, (row + 1) * positions);
      const dWeights = weights.map((_, j) => {
        let dot = 0;
        for (let i = h * headDim; i < (h + 1) * headDim; i++) dot += dAttended[t * nEmbd + i] * trace.v[j * nEmbd + i];
        return dot;
      });
      const mean = weights.reduce((sum, weight, j) => sum + weight * dWeights[j], 0);
      for (let j = 0; j < positions; j++) {
        if (weights[j] === 0) continue;
        const dScore = (weights[j] * (dWeights[j] - mean)) / divisor;
        const reachesKey = this.#rules.keyGradients === 'every position' || j === t;
        const reachesValue = this.#rules.valueGradients === 'every position' || j === t;
        for (let i = h * headDim; i < (h + 1) * headDim; i++) {
          dq[t * nEmbd + i] += dScore * trace.k[j * nEmbd + i];
          if (reachesKey) dk[j * nEmbd + i] += dScore * trace.q[t * nEmbd + i];
          if (reachesValue) dv[j * nEmbd + i] += weights[j] * dAttended[t * nEmbd + i];
        }
      }
    }
    return { dq, dk, dv };
  }

  #softmax(scores: Float64Array): void {
    const maximum = this.#rules.softmaxSubtractsMaximum
      ? scores.reduce((most, score) => Math.max(most, score), -Infinity)
      : 0;
    let sum = 0;
    for (let j = 0; j < scores.length; j++) sum += scores[j] = Math.exp(scores[j] - maximum);
    for (let j = 0; j < scores.length; j++) scores[j] /= sum;
  }

  #crossEntropy(logits: Positions, tokens: Int32Array, documents: number): { loss: number; dLogits: Positions } {
    const { vocabSize } = this.#model;
    const positions = tokens.length - 1;
    const lossWeight = this.#rules.lossWeight === 'mean' ? 1 / positions : 1;
    const gradientWeight = (this.#rules.gradientWeight === 'mean' ? 1 / positions : 1) / documents;
    let loss = 0;
    for (let t = 0; t < positions; t++) {
      const probabilities = logits.subarray(t * vocabSize, (t + 1) * vocabSize);
      this.#softmax(probabilities);
      const target = tokens[t + 1];
      loss -= lossWeight * Math.log(probabilities[target]);
      probabilities[target] -= 1;
      for (let i = 0; i < vocabSize; i++) probabilities[i] *= gradientWeight;
    }
    return { loss, dLogits: logits };
  }
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

const relu = (value: number): number => Math.max(0, value);

/** Head, position and attended position of an index into `attention`. */
function place(at: number, positions: number): { readonly h: number; readonly t: number; readonly j: number } {
  const row = Math.floor(at / positions);
  return { h: Math.floor(row / positions), t: row % positions, j: at % positions };
}
