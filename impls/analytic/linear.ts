import type { Epilogue } from './epilogue.ts';
import { createProduct } from './product.ts';

/** A linear layer `y = x wᵀ`. Matrices are row-major; `rows` is the number of positions. */
export interface LinearOperands {
  readonly x: Float64Array; // [rows, inputs]
  readonly w: Float64Array; // [outputs, inputs]
  readonly dy: Float64Array; // [rows, outputs]
  /** The epilogue of y, `[rows, outputs]`. */
  readonly y: Epilogue;
  /** The epilogue of dx, `[rows, inputs]`. */
  readonly dx: Epilogue;
  /** The epilogue of the gradient of w, `[outputs, inputs]`; it may change w. */
  readonly dw: Epilogue;
  readonly outputs: number;
  readonly inputs: number;
  readonly maxRows: number;
}

export interface Linear {
  /** Computes y from x and runs its epilogue. */
  forward(rows: number): void;
  /** Computes dx from dy, then dw, and runs their epilogues. */
  backward(rows: number): void;
}

/** Six sums and the five operands they need at a time: more do not fit into V8's registers. */
const TILE = [2, 3] as const;

export function createLinear({ x, w, dy, y, dx, dw, outputs, inputs, maxRows }: LinearOperands): Linear {
  const rowsOfOutputs = [outputs, 1] as const;
  const rowsOfInputs = [inputs, 1] as const;
  // y[row, output] = Σ_input x[row, input] · w[output, input]
  const forward = createProduct({
    name: 'forward',
    a: { array: x, strides: rowsOfInputs },
    b: { array: w, strides: rowsOfInputs },
    cStrides: rowsOfOutputs,
    epilogue: y,
    i: 'rows',
    j: outputs,
    k: inputs,
    tile: TILE,
    maxRows,
  });
  // dx[row, input] = Σ_output dy[row, output] · w[output, input]
  const inputGradient = createProduct({
    name: 'inputGradient',
    a: { array: dy, strides: rowsOfOutputs },
    b: { array: w, strides: [1, inputs] },
    cStrides: rowsOfInputs,
    epilogue: dx,
    i: 'rows',
    j: inputs,
    k: outputs,
    tile: TILE,
    maxRows,
  });
  // dw[output, input] = Σ_row dy[row, output] · x[row, input]
  const weightGradient = createProduct({
    name: 'weightGradient',
    a: { array: x, strides: [1, inputs] },
    b: { array: dy, strides: [1, outputs] },
    cStrides: [1, inputs],
    epilogue: dw,
    i: inputs,
    j: outputs,
    k: 'rows',
    tile: [4, 1],
    maxRows,
  });
  return {
    forward,
    backward(rows) {
      inputGradient(rows);
      weightGradient(rows);
    },
  };
}
