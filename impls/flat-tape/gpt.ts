import type { ModelConfig } from '../contract.ts';
import { type Entry, Tape } from './tape.ts';

/** The first entry of each row-major matrix. */
interface LayerWeights {
  readonly attnWq: Entry;
  readonly attnWk: Entry;
  readonly attnWv: Entry;
  readonly attnWo: Entry;
  readonly mlpFc1: Entry;
  readonly mlpFc2: Entry;
}

/** The model, recorded scalar by scalar. Vectors of the model are runs of entries on the tape. */
export class Gpt {
  readonly #tape: Tape;
  readonly #model: ModelConfig;
  readonly #wte: Entry;
  readonly #wpe: Entry;
  readonly #lmHead: Entry;
  readonly #layers: readonly LayerWeights[];
  /** First entries of the keys and values of the positions so far: `[nLayer][positions]`. */
  readonly #keys: Entry[][];
  readonly #values: Entry[][];

  /** @param parameters the first of the entries that hold the parameters, in the order of `TrainingTask.parameters` */
  constructor(tape: Tape, parameters: Entry, model: ModelConfig) {
    const { nEmbd, nLayer, blockSize, vocabSize } = model;
    let offset = parameters;
    const matrix = (rows: number, columns: number): Entry => {
      const start = offset;
      offset += rows * columns;
      return start;
    };
    this.#tape = tape;
    this.#model = model;
    this.#wte = matrix(vocabSize, nEmbd);
    this.#wpe = matrix(blockSize, nEmbd);
    this.#lmHead = matrix(vocabSize, nEmbd);
    this.#layers = Array.from({ length: nLayer }, () => ({
      attnWq: matrix(nEmbd, nEmbd),
      attnWk: matrix(nEmbd, nEmbd),
      attnWv: matrix(nEmbd, nEmbd),
      attnWo: matrix(nEmbd, nEmbd),
      mlpFc1: matrix(4 * nEmbd, nEmbd),
      mlpFc2: matrix(nEmbd, 4 * nEmbd),
    }));
    this.#keys = this.#layers.map(() => []);
    this.#values = this.#layers.map(() => []);
  }

  /** Mean loss of one document, `[BOS, …]`: position t predicts `tokens[t + 1]`. */
  documentLoss(tokens: Int32Array): Entry {
    const tape = this.#tape;
    const positions = tokens.length - 1;
    for (const keys of this.#keys) keys.length = 0;
    for (const values of this.#values) values.length = 0;
    const share = tape.leaf(-1 / positions);
    const logs: Entry[] = [];
    for (let position = 0; position < positions; position++) {
      const probabilities = this.#softmax(this.#logits(tokens[position], position), this.#model.vocabSize);
      tape.pair(probabilities + tokens[position + 1], Tape.ONE);
      logs.push(tape.log());
    }
    for (const log of logs) tape.pair(log, share);
    return tape.sum();
  }

  /** Logits `[vocabSize]` of one position. Adds its keys and values to those of the positions before. */
  #logits(token: number, position: number): Entry {
    const { nEmbd, vocabSize } = this.#model;
    let x = this.#rmsnorm(this.#add(this.#wte + token * nEmbd, this.#wpe + position * nEmbd, nEmbd), nEmbd);
    for (let i = 0; i < this.#layers.length; i++) {
      const layer = this.#layers[i];
      const attnNorm = this.#rmsnorm(x, nEmbd);
      const q = this.#linear(attnNorm, layer.attnWq, nEmbd, nEmbd);
      this.#keys[i].push(this.#linear(attnNorm, layer.attnWk, nEmbd, nEmbd));
      this.#values[i].push(this.#linear(attnNorm, layer.attnWv, nEmbd, nEmbd));
      const attnOut = this.#attention(q, this.#keys[i], this.#values[i]);
      x = this.#add(this.#linear(attnOut, layer.attnWo, nEmbd, nEmbd), x, nEmbd);
      const hidden = this.#linearRelu(this.#rmsnorm(x, nEmbd), layer.mlpFc1, 4 * nEmbd, nEmbd);
      x = this.#add(this.#linear(hidden, layer.mlpFc2, nEmbd, 4 * nEmbd), x, nEmbd);
    }
    return this.#linear(x, this.#lmHead, vocabSize, nEmbd);
  }

  /** All heads of one position, side by side: `[nEmbd]`. */
  #attention(q: Entry, keys: readonly Entry[], values: readonly Entry[]): Entry {
    const { nEmbd, nHead } = this.#model;
    const tape = this.#tape;
    const headDim = nEmbd / nHead;
    const scale = tape.leaf(1 / Math.sqrt(headDim));
    const attnWeights: Entry[] = [];
    for (let head = 0; head < nHead; head++) {
      const start = head * headDim;
      const dots = tape.length;
      for (const key of keys) {
        tape.pairs(q + start, key + start, headDim);
        tape.sum();
      }
      const scores = tape.length;
      for (let t = 0; t < keys.length; t++) {
        tape.pair(dots + t, scale);
        tape.sum();
      }
      attnWeights.push(this.#softmax(scores, keys.length));
    }
    const out = tape.length;
    for (let i = 0; i < nEmbd; i++) {
      const weight = attnWeights[Math.floor(i / headDim)];
      for (let t = 0; t < values.length; t++) tape.pair(weight + t, values[t] + i);
      tape.sum();
    }
    return out;
  }

  /** `w x`, where w is `[outputs, inputs]`. */
  #linear(x: Entry, w: Entry, outputs: number, inputs: number): Entry {
    const tape = this.#tape;
    const y = tape.length;
    for (let o = 0; o < outputs; o++) {
      tape.pairs(w + o * inputs, x, inputs);
      tape.sum();
    }
    return y;
  }

  #linearRelu(x: Entry, w: Entry, outputs: number, inputs: number): Entry {
    const tape = this.#tape;
    const y = tape.length;
    for (let o = 0; o < outputs; o++) {
      tape.pairs(w + o * inputs, x, inputs);
      tape.relu();
    }
    return y;
  }

  #rmsnorm(x: Entry, size: number): Entry {
    const tape = this.#tape;
    const share = tape.leaf(1 / size);
    const epsilon = tape.leaf(1e-5);
    tape.pairs(x, x, size);
    const squares = tape.sum();
    tape.pair(squares, share);
    tape.pair(epsilon, Tape.ONE);
    const scale = tape.power(-0.5);
    return this.#scale(x, scale, size);
  }

  #softmax(logits: Entry, size: number): Entry {
    const tape = this.#tape;
    let max = tape.data[logits];
    for (let i = 1; i < size; i++) max = Math.max(max, tape.data[logits + i]);
    const shift = tape.leaf(-max);
    const exponentials = tape.length;
    for (let i = 0; i < size; i++) {
      tape.pair(logits + i, Tape.ONE);
      tape.pair(shift, Tape.ONE);
      tape.exp();
    }
    for (let i = 0; i < size; i++) tape.pair(exponentials + i, Tape.ONE);
    tape.sum();
    tape.pair(tape.length - 1, Tape.ONE);
    return this.#scale(exponentials, tape.power(-1), size);
  }

  #scale(x: Entry, factor: Entry, size: number): Entry {
    const tape = this.#tape;
    const y = tape.length;
    for (let i = 0; i < size; i++) {
      tape.pair(x + i, factor);
      tape.sum();
    }
    return y;
  }

  #add(a: Entry, b: Entry, size: number): Entry {
    const tape = this.#tape;
    const y = tape.length;
    for (let i = 0; i < size; i++) {
      tape.pair(a + i, Tape.ONE);
      tape.pair(b + i, Tape.ONE);
      tape.sum();
    }
    return y;
  }
}
