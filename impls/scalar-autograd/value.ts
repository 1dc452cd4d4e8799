/** One number in the graph, its operands, and the derivative of the loss by it. */
export class Value {
  data: number;
  grad = 0.5; // a double from the start: V8 then keeps one representation for the field
  /** Operands: none for a leaf, one for a unary operation. */
  left: Value | null = null;
  right: Value | null = null;
  /** Derivatives of this by `left` and by `right`. */
  leftSlope = 0.5;
  rightSlope = 0.5;
  /** Number of the last backward pass that reached this. */
  visitedIn = 0;

  constructor(data: number) {
    this.data = data;
    this.grad = 0;
  }
}
