/** Index of a number on the tape. */
export type Node = number;

/** Every number of a computation in the order in which it was made, each with its derivatives by the numbers it was made of. */
export class Tape {
  readonly #values: number[] = [];
  readonly #inputs: (readonly (readonly [Node, number])[])[] = [];

  /** Records a number; `inputs` are pairs of a node and the derivative of this number by it. */
  node(value: number, inputs: readonly (readonly [Node, number])[] = []): Node {
    this.#values.push(value);
    this.#inputs.push(inputs);
    return this.#values.length - 1;
  }

  value(node: Node): number {
    return this.#values[node];
  }

  /** `Σ x·y` */
  dot(x: readonly Node[], y: readonly Node[]): Node {
    let sum = 0;
    const inputs: (readonly [Node, number])[] = [];
    for (const [i, left] of x.entries()) {
      const right = y[i];
      sum += this.value(left) * this.value(right);
      inputs.push([left, this.value(right)], [right, this.value(left)]);
    }
    return this.node(sum, inputs);
  }

  /** Derivatives of `root` by every node, `[nodes]`. */
  gradient(root: Node): Float64Array {
    const gradient = new Float64Array(this.#values.length);
    gradient[root] = 1;
    for (let node = root; node >= 0; node--) {
      for (const [input, derivative] of this.#inputs[node]) gradient[input] += derivative * gradient[node];
    }
    return gradient;
  }
}
