import type { ModelConfig } from '../../../../impls/contract.ts';
import type { Node, Tape } from './tape.ts';

type Vector = readonly Node[];
type Matrix = readonly Vector[];

interface Layer {
  readonly attnWq: Matrix;
  readonly attnWk: Matrix;
  readonly attnWv: Matrix;
  readonly attnWo: Matrix;
  readonly mlpFc1: Matrix;
  readonly mlpFc2: Matrix;
}

/** The model, one position after the other, in terms of a tape. */
export class Gpt {
  readonly #tape: Tape;
  readonly #model: ModelConfig;
  readonly #wte: Matrix;
  readonly #wpe: Matrix;
  readonly #lmHead: Matrix;
  readonly #layers: readonly Layer[];

  /** @param leaves nodes of the parameters, in the order of `TrainingTask.parameters` */
  constructor(tape: Tape, model: ModelConfig, leaves: Vector) {
    let taken = 0;
    const take = (rows: number, columns: number): Matrix =>
      Array.from({ length: rows }, () => {
        taken += columns;
        return leaves.slice(taken - columns, taken);
      });
    const { nEmbd, nLayer, blockSize, vocabSize } = model;
    this.#tape = tape;
    this.#model = model;
    this.#wte = take(vocabSize, nEmbd);
    this.#wpe = take(blockSize, nEmbd);
    this.#lmHead = take(vocabSize, nEmbd);
    this.#layers = Array.from({ length: nLayer }, () => ({
      attnWq: take(nEmbd, nEmbd),
      attnWk: take(nEmbd, nEmbd),
      attnWv: take(nEmbd, nEmbd),
      attnWo: take(nEmbd, nEmbd),
      mlpFc1: take(4 * nEmbd, nEmbd),
      mlpFc2: take(nEmbd, 4 * nEmbd),
    }));
  }

  /** The loss of each position of a document, `[tokens - 1]`. */
  losses(document: Int32Array): Vector {
    const caches = this.#layers.map(() => ({ keys: [] as Vector[], values: [] as Vector[] }));
    return Array.from({ length: document.length - 1 }, (_, position) => {
      let x = this.#rmsnorm(this.#add(this.#wte[document[position]], this.#wpe[position]));
      for (const [i, layer] of this.#layers.entries()) {
        x = this.#add(this.#attend(layer, this.#rmsnorm(x), caches[i].keys, caches[i].values), x);
        const hidden = this.#relu(this.#linear(layer.mlpFc1, this.#rmsnorm(x)));
        x = this.#add(this.#linear(layer.mlpFc2, hidden), x);
      }
      const target = this.#softmax(this.#linear(this.#lmHead, x))[document[position + 1]];
      const p = this.#tape.value(target);
      return this.#tape.node(-Math.log(p), [[target, -1 / p]]);
    });
  }

  #attend(layer: Layer, attnNorm: Vector, keys: Vector[], values: Vector[]): Vector {
    const q = this.#linear(layer.attnWq, attnNorm);
    keys.push(this.#linear(layer.attnWk, attnNorm));
    values.push(this.#linear(layer.attnWv, attnNorm));
    const { nEmbd, nHead } = this.#model;
    const size = nEmbd / nHead;
    const attnOut: Node[] = [];
    for (let at = 0; at < nEmbd; at += size) {
      const scores = keys.map((key) => this.#tape.dot(q.slice(at, at + size), key.slice(at, at + size)));
      const weights = this.#softmax(scores, 1 / Math.sqrt(size));
      for (let i = at; i < at + size; i++) {
        attnOut.push(
          this.#tape.dot(
            weights,
            values.map((value) => value[i]),
          ),
        );
      }
    }
    return this.#linear(layer.attnWo, attnOut);
  }

  #linear(matrix: Matrix, x: Vector): Vector {
    return matrix.map((row) => this.#tape.dot(row, x));
  }

  #add(x: Vector, y: Vector): Vector {
    return x.map((node, i) =>
      this.#tape.node(this.#tape.value(node) + this.#tape.value(y[i]), [
        [node, 1],
        [y[i], 1],
      ]),
    );
  }

  #relu(x: Vector): Vector {
    return x.map((node) => {
      const value = this.#tape.value(node);
      return this.#tape.node(Math.max(value, 0), [[node, value > 0 ? 1 : 0]]);
    });
  }

  /** `x · (mean(x²) + 1e-5)^-0.5` */
  #rmsnorm(x: Vector): Vector {
    const squares = x.reduce((sum, node) => sum + this.#tape.value(node) ** 2, 0);
    const s = 1 / Math.sqrt(squares / x.length + 1e-5);
    const derivatives = x.map((node) => [node, (-(s ** 3) * this.#tape.value(node)) / x.length] as const);
    const scale = this.#tape.node(s, derivatives);
    return x.map((node) => this.#tape.dot([node], [scale]));
  }

  /** Softmax of `factor · x`. */
  #softmax(x: Vector, factor = 1): Vector {
    const maximum = Math.max(...x.map((node) => this.#tape.value(node)));
    const exponentials = x.map((node) => Math.exp(factor * (this.#tape.value(node) - maximum)));
    const sum = exponentials.reduce((total, exponential) => total + exponential, 0);
    const p = exponentials.map((exponential) => exponential / sum);
    return p.map((own, i) =>
      this.#tape.node(
        own,
        x.map((node, j) => [node, factor * own * ((i === j ? 1 : 0) - p[j])] as const),
      ),
    );
  }
}
