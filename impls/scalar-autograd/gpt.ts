import type { ModelConfig } from '../contract.ts';
import type { Graph } from './graph.ts';
import type { Value } from './value.ts';

type Vector = readonly Value[];
/** A list of rows. */
type Matrix = readonly Vector[];

interface LayerWeights {
  readonly attnWq: Matrix;
  readonly attnWk: Matrix;
  readonly attnWv: Matrix;
  readonly attnWo: Matrix;
  readonly mlpFc1: Matrix;
  readonly mlpFc2: Matrix;
}

export interface Weights {
  readonly wte: Matrix;
  readonly wpe: Matrix;
  readonly lmHead: Matrix;
  readonly layers: readonly LayerWeights[];
}

/** Arranges parameters, in the order of `TrainingTask.parameters`, as the model's matrices. */
export function arrangeWeights(parameters: Vector, { nEmbd, nLayer, blockSize, vocabSize }: ModelConfig): Weights {
  const entries = parameters.values();
  const matrix = (rows: number, columns: number): Matrix =>
    Array.from({ length: rows }, () => [...entries.take(columns)]);
  return {
    wte: matrix(vocabSize, nEmbd),
    wpe: matrix(blockSize, nEmbd),
    lmHead: matrix(vocabSize, nEmbd),
    layers: Array.from({ length: nLayer }, () => ({
      attnWq: matrix(nEmbd, nEmbd),
      attnWk: matrix(nEmbd, nEmbd),
      attnWv: matrix(nEmbd, nEmbd),
      attnWo: matrix(nEmbd, nEmbd),
      mlpFc1: matrix(4 * nEmbd, nEmbd),
      mlpFc2: matrix(nEmbd, 4 * nEmbd),
    })),
  };
}

/** The model, one value at a time: every operation in the order of the original. */
export class Gpt {
  readonly #graph: Graph;
  readonly #weights: Weights;
  readonly #model: ModelConfig;

  constructor(graph: Graph, weights: Weights, model: ModelConfig) {
    this.#graph = graph;
    this.#weights = weights;
    this.#model = model;
  }

  /** Mean loss of one document, `[BOS, …]`: position t predicts `tokens[t + 1]`. */
  documentLoss(tokens: Int32Array): Value {
    const graph = this.#graph;
    const positions = tokens.length - 1;
    const keys: Vector[][] = this.#weights.layers.map(() => []);
    const values: Vector[][] = this.#weights.layers.map(() => []);
    const losses: Value[] = [];
    for (let position = 0; position < positions; position++) {
      const probabilities = this.#softmax(this.#logits(tokens[position], position, keys, values));
      losses.push(graph.negate(graph.log(probabilities[tokens[position + 1]])));
    }
    return graph.multiply(graph.sum(losses), graph.constant(1 / positions));
  }

  /** Logits `[vocabSize]` of one position. Adds its keys and values to those of the positions before. */
  #logits(token: number, position: number, keys: Vector[][], values: Vector[][]): Vector {
    const { wte, wpe, lmHead, layers } = this.#weights;
    let x = this.#rmsnorm(this.#addVectors(wte[token], wpe[position]));
    for (let i = 0; i < layers.length; i++) {
      const layer = layers[i];
      const attnNorm = this.#rmsnorm(x);
      const q = this.#linear(attnNorm, layer.attnWq);
      keys[i].push(this.#linear(attnNorm, layer.attnWk));
      values[i].push(this.#linear(attnNorm, layer.attnWv));
      x = this.#addVectors(this.#linear(this.#attention(q, keys[i], values[i]), layer.attnWo), x);
      const hidden = this.#linear(this.#rmsnorm(x), layer.mlpFc1).map((value) => this.#graph.relu(value));
      x = this.#addVectors(this.#linear(hidden, layer.mlpFc2), x);
    }
    return this.#linear(x, lmHead);
  }

  /** All heads of one position, side by side: `[nEmbd]`. */
  #attention(q: Vector, keys: readonly Vector[], values: readonly Vector[]): Vector {
    const graph = this.#graph;
    const headDim = this.#model.nEmbd / this.#model.nHead;
    const inverseRoot = 1 / Math.sqrt(headDim);
    const out: Value[] = [];
    for (let start = 0; start < q.length; start += headDim) {
      const scores = keys.map((key) => {
        let dot = graph.add(graph.multiply(q[start], key[start]), graph.constant(0));
        for (let i = start + 1; i < start + headDim; i++) dot = graph.add(dot, graph.multiply(q[i], key[i]));
        return graph.multiply(dot, graph.constant(inverseRoot));
      });
      const attnWeights = this.#softmax(scores);
      for (let i = start; i < start + headDim; i++) {
        let sum = graph.add(graph.multiply(attnWeights[0], values[0][i]), graph.constant(0));
        for (let t = 1; t < values.length; t++) sum = graph.add(sum, graph.multiply(attnWeights[t], values[t][i]));
        out.push(sum);
      }
    }
    return out;
  }

  #linear(x: Vector, w: Matrix): Vector {
    const graph = this.#graph;
    const y: Value[] = [];
    for (let o = 0; o < w.length; o++) {
      const row = w[o];
      let sum = graph.add(graph.multiply(row[0], x[0]), graph.constant(0));
      for (let i = 1; i < x.length; i++) sum = graph.add(sum, graph.multiply(row[i], x[i]));
      y.push(sum);
    }
    return y;
  }

  #rmsnorm(x: Vector): Vector {
    const graph = this.#graph;
    const squares = graph.sum(x.map((value) => graph.multiply(value, value)));
    const meanSquare = graph.multiply(squares, graph.constant(1 / x.length));
    const scale = graph.power(graph.add(meanSquare, graph.constant(1e-5)), -0.5);
    return x.map((value) => graph.multiply(value, scale));
  }

  #softmax(logits: Vector): Vector {
    const graph = this.#graph;
    let max = logits[0].data;
    for (const { data } of logits) max = Math.max(max, data);
    const exponentials = logits.map((logit) => graph.exp(graph.add(logit, graph.constant(-max))));
    const total = graph.sum(exponentials);
    return exponentials.map((exponential) => graph.divide(exponential, total));
  }

  #addVectors(a: Vector, b: Vector): Vector {
    return a.map((value, i) => this.#graph.add(value, b[i]));
  }
}
