import type { ModelConfig } from '../../impls/contract.ts';
import { parameterLayout } from '../task/parameter-layout.ts';
import type { TrainingRules } from './training-rules.ts';

/** Views of one matrix and of its gradient, row by row. */
interface Weights {
  readonly values: Float64Array;
  readonly gradient: Float64Array;
}

/** One vector per position: `[positions · size]`. */
type Positions = Float64Array;

/** The loss of a document, and what adds its gradient, times `weight`. `tokens` is `[BOS, …, BOS]`. */
type LossOfDocument = (
  tokens: Int32Array,
  weight: number,
) => { readonly loss: number; readonly addGradient: () => void };

/**
 * The model's loss on one document and its gradient in float64, by the reference's formulas or with the changes that `rules`
 * make. Written to be plain: a trainer's fault is found by it.
 * @param totalGradient `addGradient` of a document adds to it; same order as `parameters`
 */
export function modelGradient(
  model: ModelConfig,
  rules: TrainingRules,
  parameters: Float64Array,
  totalGradient: Float64Array,
): LossOfDocument {
  const { nEmbd, blockSize, vocabSize } = model;
  const nHead = rules.heads(model.nHead);
  const headDim = nEmbd / nHead;
  const featuresOf = Array.from({ length: nHead }, (_, head) =>
    Array.from({ length: headDim }, (_, i) =>
      rules.headFeatures === 'side by side' ? head * headDim + i : i * nHead + head,
    ),
  );
  const matrices = new Map<string, Weights>();
  for (const { name, rows, columns, offset } of parameterLayout(model)) {
    const view = (numbers: Float64Array) => numbers.subarray(offset, offset + rows * columns);
    matrices.set(name, { values: view(parameters), gradient: view(totalGradient) });
  }
  const weights = (name: string): Weights => {
    const found = matrices.get(name);
    if (found === undefined) throw new Error(`no matrix ${name} in the parameter layout`);
    return found;
  };
  const [wte, wpe, lmHead] = [weights('wte'), weights('wpe'), weights(rules.outputMatrix)];

  function lossOfDocument(allTokens: Int32Array, weight: number) {
    const tokens = cut(allTokens, rules.tokens);
    const positions = tokens.length - 1;
    const embedded = embed(tokens, positions);
    let x = rules.normAfterEmbedding ? rmsnorm(embedded) : embedded;
    const traces = Array.from({ length: model.nLayer }, (_, layer) => {
      const { trace, output } = forwardLayer(layer, x, positions);
      x = output;
      return trace;
    });
    const last = rules.normBeforeLmHead ? rmsnorm(x) : x;
    const { loss, dLogits } = crossEntropy(product(lmHead.values, last, nEmbd), tokens, weight);

    const addGradient = () => {
      let dx = backwardProduct(lmHead, last, dLogits, nEmbd);
      if (rules.normBeforeLmHead) dx = rmsnormBackward(x, dx);
      for (const [layer, trace] of [...traces.entries()].reverse()) dx = backwardLayer(layer, trace, dx, positions);
      if (rules.normAfterEmbedding) dx = rmsnormBackward(embedded, dx);
      const overwrites = rules.embeddingGradients === 'overwritten';
      for (let t = 0; t < positions; t++) {
        const row = rules.positionRow(t, positions, blockSize);
        for (let i = 0; i < nEmbd; i++) {
          const at = tokens[t] * nEmbd + i;
          wte.gradient[at] = (overwrites ? 0 : wte.gradient[at]) + dx[t * nEmbd + i];
          if (row !== undefined) wpe.gradient[row * nEmbd + i] += dx[t * nEmbd + i];
        }
      }
    };
    return { loss, addGradient };
  }

  function embed(tokens: Int32Array, positions: number): Positions {
    return Float64Array.from({ length: positions * nEmbd }, (_, at) => {
      const t = Math.floor(at / nEmbd);
      const row = rules.positionRow(t, positions, blockSize);
      const position = row === undefined ? 0 : wpe.values[row * nEmbd + (at % nEmbd)];
      return wte.values[tokens[t] * nEmbd + (at % nEmbd)] + position;
    });
  }

  /** The trace is what the backward pass needs. */
  function forwardLayer(layer: number, input: Positions, positions: number) {
    const matrix = (kind: string) => weights(`layer${layer}.${kind}`).values;
    const attnNorm = rules.normBeforeAttention ? rmsnorm(input) : input;
    const q = product(matrix('attn_wq'), attnNorm, nEmbd);
    const k = product(matrix('attn_wk'), attnNorm, nEmbd);
    const v = product(matrix(rules.valueMatrix), attnNorm, nEmbd);
    const attnWeights = attentionWeights(q, k, positions);
    const attnOut = attend(attnWeights, v, positions);
    const middle = rules.outputProjection ? product(matrix('attn_wo'), attnOut, nEmbd) : attnOut.slice();
    if (rules.attentionResidual) add(middle, input);
    const mlpNorm = rules.normBeforeMlp ? rmsnorm(middle) : middle;
    const hidden = product(matrix('mlp_fc1'), mlpNorm, nEmbd);
    const output = product(matrix('mlp_fc2'), hidden.map(rules.activation.value), 4 * nEmbd);
    if (rules.mlpResidual) add(output, middle);
    return { trace: { input, attnNorm, q, k, v, attnWeights, attnOut, middle, mlpNorm, hidden }, output };
  }

  type LayerTrace = ReturnType<typeof forwardLayer>['trace'];

  function backwardLayer(layer: number, trace: LayerTrace, dOutput: Positions, positions: number): Positions {
    const matrix = (kind: string) => weights(`layer${layer}.${kind}`);
    const { value, slope } = rules.activation;
    const dActivated = backwardProduct(matrix('mlp_fc2'), trace.hidden.map(value), dOutput, 4 * nEmbd);
    const dHidden = dActivated.map((d, at) => d * slope(trace.hidden[at]));
    const dMlpNorm = backwardProduct(matrix('mlp_fc1'), trace.mlpNorm, dHidden, nEmbd);
    const dMiddle = rules.normBeforeMlp ? rmsnormBackward(trace.middle, dMlpNorm) : dMlpNorm;
    if (rules.mlpResidual && rules.mlpResidualBackward) add(dMiddle, dOutput);

    const dAttended = rules.outputProjection
      ? backwardProduct(matrix('attn_wo'), trace.attnOut, dMiddle, nEmbd)
      : dMiddle;
    const { dq, dk, dv } = attentionBackward(trace, dAttended, positions);
    const dAttnNorm = backwardProduct(matrix('attn_wq'), trace.attnNorm, dq, nEmbd);
    add(dAttnNorm, backwardProduct(matrix('attn_wk'), trace.attnNorm, dk, nEmbd));
    add(dAttnNorm, backwardProduct(matrix(rules.valueMatrix), trace.attnNorm, dv, nEmbd));
    const dInput = rules.normBeforeAttention ? rmsnormBackward(trace.input, dAttnNorm) : dAttnNorm;
    if (rules.attentionResidual && rules.attentionResidualBackward) add(dInput, dMiddle);
    return dInput;
  }

  function rmsnorm(x: Positions): Positions {
    const normed = centred(x);
    for (let at = 0; at < x.length; at += nEmbd) {
      const { scale } = rmsnormScale(normed, at);
      for (let i = at; i < at + nEmbd; i++) normed[i] *= scale;
    }
    return normed;
  }

  /** A copy, without the mean of each vector if the rules say so. */
  function centred(x: Positions): Positions {
    const copy = x.slice();
    if (rules.rmsnorm !== 'centred') return copy;
    for (let at = 0; at < x.length; at += nEmbd) {
      const mean = x.subarray(at, at + nEmbd).reduce((sum, value) => sum + value, 0) / nEmbd;
      for (let i = at; i < at + nEmbd; i++) copy[i] -= mean;
    }
    return copy;
  }

  /** The scale s, and what `x (dy · x)` is multiplied by in its derivative: s³ / n where s = (Σx² / n + ε)^-½. */
  function rmsnormScale(x: Positions, at: number): { readonly scale: number; readonly pull: number } {
    const size = rules.rmsnorm === 'sum of squares' ? 1 : nEmbd;
    let squares = 0;
    for (let i = at; i < at + nEmbd; i++) squares += x[i] * x[i];
    if (rules.rmsnormEpsilonPlace === 'inside the root') {
      const scale = 1 / Math.sqrt(squares / size + rules.rmsnormEpsilon);
      return { scale, pull: scale ** 3 / size };
    }
    const root = Math.sqrt(squares / size);
    const scale = 1 / (root + rules.rmsnormEpsilon);
    const isAsInside = rules.rmsnormDerivative === 'as if epsilon were inside the root';
    return { scale, pull: isAsInside ? scale ** 3 / size : scale ** 2 / (root * size) };
  }

  /** With s the scale: `dx = s dy - x s³ (dy · x) / n`. */
  function rmsnormBackward(x: Positions, dy: Positions): Positions {
    const { rmsnormDerivative } = rules;
    if (rmsnormDerivative === 'none') return dy.slice();
    const centredX = centred(x);
    const dx = new Float64Array(x.length);
    for (let at = 0; at < x.length; at += nEmbd) {
      const { scale, pull } = rmsnormScale(centredX, at);
      let dot = 0;
      for (let i = at; i < at + nEmbd; i++) dot += dy[i] * centredX[i];
      const pulled = rmsnormDerivative === 'scale only' ? 0 : pull * dot;
      for (let i = at; i < at + nEmbd; i++) dx[i] = scale * dy[i] - pulled * centredX[i];
    }
    return centred(dx);
  }

  /** How many positions, from the first on, a position attends to. */
  function seen(position: number, positions: number): number {
    if (rules.sees === 'all') return positions;
    return rules.sees === 'earlier ones' ? Math.max(1, position) : position + 1;
  }

  /** `[heads · positions · positions]`: how much position t of a head attends to position j. */
  function attentionWeights(q: Positions, k: Positions, positions: number): Float64Array {
    const divisor = rules.attentionDivisor(headDim, nEmbd);
    const attnWeights = new Float64Array(nHead * positions * positions);
    for (let row = 0; row < nHead * positions; row++) {
      const { h, t } = place(row * positions, positions);
      const scores = attnWeights.subarray(row * positions, row * positions + seen(t, positions));
      for (let j = 0; j < scores.length; j++) {
        let dot = 0;
        for (const i of featuresOf[h]) dot += q[t * nEmbd + i] * k[j * nEmbd + i];
        scores[j] = dot / divisor;
      }
      softmax(scores, rules.softmaxCountsUnseen ? blockSize - scores.length : 0);
    }
    return attnWeights;
  }

  function attend(attnWeights: Float64Array, v: Positions, positions: number): Positions {
    const attnOut = new Float64Array(v.length);
    for (let at = 0; at < attnWeights.length; at++) {
      if (attnWeights[at] === 0) continue;
      const { h, t, j } = place(at, positions);
      for (const i of featuresOf[h]) attnOut[t * nEmbd + i] += attnWeights[at] * v[j * nEmbd + i];
    }
    return attnOut;
  }

  function attentionBackward({ q, k, v, attnWeights }: LayerTrace, dAttended: Positions, positions: number) {
    const { attentionDivisor, attentionDivisorBackward = attentionDivisor, keyGradients, queryGradients } = rules;
    const divisor = attentionDivisorBackward(headDim, nEmbd);
    const [dq, dk, dv] = [q, k, v].map((vectors) => new Float64Array(vectors.length));
    for (let row = 0; row < nHead * positions; row++) {
      const { h, t } = place(row * positions, positions);
      const ofRow = attnWeights.subarray(row * positions, (row + 1) * positions);
      const dWeights = ofRow.map((_, j) => {
        let dot = 0;
        for (const i of featuresOf[h]) dot += dAttended[t * nEmbd + i] * v[j * nEmbd + i];
        return dot;
      });
      const isWhole = rules.softmaxDerivative === 'whole';
      const mean = isWhole ? ofRow.reduce((sum, weight, j) => sum + weight * dWeights[j], 0) : 0;
      for (let j = 0; j < positions; j++) {
        if (ofRow[j] === 0) continue;
        const dScore = (ofRow[j] * (dWeights[j] - mean)) / divisor;
        const reachesKey = keyGradients === 'every position' || (keyGradients === 'own position' && j === t);
        const reachesValue = rules.valueGradients === 'every position' || j === t;
        for (const i of featuresOf[h]) {
          if (queryGradients) dq[t * nEmbd + i] += dScore * k[j * nEmbd + i];
          if (reachesKey) dk[j * nEmbd + i] += dScore * q[t * nEmbd + i];
          if (reachesValue) dv[j * nEmbd + i] += ofRow[j] * dAttended[t * nEmbd + i];
        }
      }
    }
    return { dq, dk, dv };
  }

  /** `zeros` more scores of 0 count; their weights are not kept. */
  function softmax(scores: Float64Array, zeros = 0): void {
    const maximum = rules.softmaxSubtractsMaximum
      ? scores.reduce((most, score) => Math.max(most, score), -Infinity)
      : 0;
    let sum = zeros * Math.exp(-maximum);
    for (let j = 0; j < scores.length; j++) sum += scores[j] = Math.exp(scores[j] - maximum);
    for (let j = 0; j < scores.length; j++) scores[j] /= sum;
  }

  function crossEntropy(logits: Positions, tokens: Int32Array, weight: number): { loss: number; dLogits: Positions } {
    const positions = tokens.length - 1;
    const lossWeight = rules.lossWeight(positions, blockSize);
    const gradientWeight = rules.gradientWeight(positions, blockSize) * weight;
    let loss = 0;
    for (let t = 0; t < positions; t++) {
      const probabilities = logits.subarray(t * vocabSize, (t + 1) * vocabSize);
      softmax(probabilities);
      const target = tokens[rules.target === 'the next token' ? t + 1 : t];
      if (!counts(t, positions, tokens[t + 1])) {
        probabilities.fill(0);
        continue;
      }
      loss -= lossWeight * Math.log(probabilities[target]);
      probabilities[target] -= rules.targetShare;
      for (let i = 0; i < vocabSize; i++) probabilities[i] *= gradientWeight;
    }
    return { loss, dLogits: logits };
  }

  function counts(position: number, positions: number, next: number): boolean {
    if (positions < 2 || rules.counts === 'every position') return true;
    if (rules.counts === 'all but the first') return position > 0;
    return rules.counts === 'all but the last' ? position < positions - 1 : next !== vocabSize - 1;
  }

  return lossOfDocument;
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

/** Adds `dy xᵀ`, over all positions, to the weights' gradient and returns `Wᵀ dy`. `columns` is the size of x's vectors. */
function backwardProduct({ values, gradient }: Weights, x: Positions, dy: Positions, columns: number): Positions {
  const rows = values.length / columns;
  const dx = new Float64Array(x.length);
  for (let t = 0; t < x.length / columns; t++) {
    for (let r = 0; r < rows; r++) {
      const d = dy[t * rows + r];
      if (d === 0) continue;
      for (let c = 0; c < columns; c++) {
        gradient[r * columns + c] += d * x[t * columns + c];
        dx[t * columns + c] += d * values[r * columns + c];
      }
    }
  }
  return dx;
}

function add(target: Float64Array, other: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i] += other[i];
}

/** Head, position and attended position of an index into the attention weights. */
function place(at: number, positions: number): { readonly h: number; readonly t: number; readonly j: number } {
  const row = Math.floor(at / positions);
  return { h: Math.floor(row / positions), t: row % positions, j: at % positions };
}
