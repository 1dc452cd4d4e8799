import { Value } from './value.ts';

/**
 * Makes the values of one step, and runs the backward pass over them. After {@link clear} the next step
 * reuses the same objects, so the garbage collector has nothing to do.
 */
export class Graph {
  readonly #values: Value[] = [];
  #count = 0;
  #pass = 0;
  readonly #order: Value[] = [];
  readonly #stack: Value[] = [];

  /** Frees every value made since the last call. Leaves made by `new Value` are not affected. */
  clear(): void {
    this.#count = 0;
  }

  constant(data: number): Value {
    return this.#make(data, null, 0, null, 0);
  }

  add(a: Value, b: Value): Value {
    return this.#make(a.data + b.data, a, 1, b, 1);
  }

  multiply(a: Value, b: Value): Value {
    return this.#make(a.data * b.data, a, b.data, b, a.data);
  }

  power(a: Value, exponent: number): Value {
    return this.#make(a.data ** exponent, a, exponent * a.data ** (exponent - 1), null, 0);
  }

  log(a: Value): Value {
    return this.#make(Math.log(a.data), a, 1 / a.data, null, 0);
  }

  exp(a: Value): Value {
    const exponential = Math.exp(a.data);
    return this.#make(exponential, a, exponential, null, 0);
  }

  relu(a: Value): Value {
    const isPositive = a.data > 0;
    return this.#make(isPositive ? a.data : 0, a, isPositive ? 1 : 0, null, 0);
  }

  /** `0 + a[0] + a[1] + …`, as Python's `sum`. */
  sum(values: readonly Value[]): Value {
    let total = this.add(values[0], this.constant(0));
    for (let i = 1; i < values.length; i++) total = this.add(total, values[i]);
    return total;
  }

  negate(a: Value): Value {
    return this.multiply(a, this.constant(-1));
  }

  divide(a: Value, b: Value): Value {
    return this.multiply(a, this.power(b, -1));
  }

  #make(data: number, left: Value | null, leftSlope: number, right: Value | null, rightSlope: number): Value {
    const index = this.#count++;
    if (index === this.#values.length) this.#values.push(new Value(0));
    const value = this.#values[index];
    value.data = data;
    value.grad = 0;
    value.left = left;
    value.leftSlope = leftSlope;
    value.right = right;
    value.rightSlope = rightSlope;
    return value;
  }

  /** Adds the derivative of `root` by every value it was computed from to that value's `grad`. */
  backward(root: Value): void {
    const order = this.#order;
    let i = this.#sort(root);
    root.grad = 1;
    while (i-- > 0) {
      const { grad, left, leftSlope, right, rightSlope } = order[i];
      if (left !== null) left.grad += leftSlope * grad;
      if (right !== null) right.grad += rightSlope * grad;
    }
  }

  /**
   * Puts into `#order` all values that `root` depends on, each after its operands, and returns their number.
   * The order is that of the original's recursion, left before right, because gradients are summed in this order.
   * The stack is our own, because a graph of 3 layers is 10,000 values deep.
   */
  #sort(root: Value): number {
    const pass = ++this.#pass;
    const order = this.#order;
    const stack = this.#stack;
    let count = 0;
    let depth = 0;
    let value = root;
    value.visitedIn = pass;
    for (;;) {
      const { left, right } = value;
      if (left !== null && left.visitedIn !== pass) {
        left.visitedIn = pass;
        stack[depth++] = value;
        value = left;
      } else if (right !== null && right.visitedIn !== pass) {
        right.visitedIn = pass;
        stack[depth++] = value;
        value = right;
      } else {
        order[count++] = value;
        if (depth === 0) return count;
        value = stack[--depth];
      }
    }
  }
}
