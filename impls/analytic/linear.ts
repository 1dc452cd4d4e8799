import { createProduct } from './product.ts';

/** The matrices of a linear layer `y = x wᵀ` and their gradients, row-major. `rows` is the number of positions. */
export interface LinearMatrices {
  readonly y: Float64Array; // [rows, outputs]
  readonly x: Float64Array; // [rows, inputs]
  readonly w: Float64Array; // [outputs, inputs]
  readonly dy: Float64Array;
  readonly dx: Float64Array;
  readonly dw: Float64Array;
  readonly outputs: number;
  readonly inputs: number;
  readonly maxRows: number;
}

export interface Linear {
  /** Sets y from x. */
  forward(rows: number): void;
  /** Sets dx and dw from dy. */
  backward(rows: number): void;
}

/** Rows are taken by two: matrices must have room for an even number, and in a spare one anything may be written. */
export const ROWS_OF_TILE = 2;

/** Six sums, and the five numbers they are made of at a time, are what fits into the registers that V8 has to give. */
const TILE = [ROWS_OF_TILE, 3] as const;

export function createLinear({ y, x, w, dy, dx, dw, outputs, inputs, maxRows }: LinearMatrices): Linear {
  const rowsOfOutputs = [outputs, 1] as const;
  const rowsOfInputs = [inputs, 1] as const;
  // y[row, output] = Σ_input x[row, input] · w[output, input]
  const forward = createProduct({
    c: { array: y, strides: rowsOfOutputs },
    a: { array: x, strides: rowsOfInputs },
    b: { array: w, strides: rowsOfInputs },
    i: 'rows',
    j: outputs,
    k: inputs,
    tile: TILE,
    maxRows,
  });
  // dx[row, input] = Σ_output dy[row, output] · w[output, input]
  const inputGradient = createProduct({
    c: { array: dx, strides: rowsOfInputs },
    a: { array: dy, strides: rowsOfOutputs },
    b: { array: w, strides: [1, inputs] },
    i: 'rows',
    j: inputs,
    k: outputs,
    tile: TILE,
    maxRows,
  });
  // dw[output, input] = Σ_row dy[row, output] · x[row, input]
  const weightGradient = createProduct({
    c: { array: dw, strides: rowsOfInputs },
    a: { array: dy, strides: [1, outputs] },
    b: { array: x, strides: [1, inputs] },
    i: outputs,
    j: inputs,
    k: 'rows',
    tile: TILE,
    maxRows,
  });
  return {
    forward,
    backward(rows) {
      weightGradient(rows);
      inputGradient(rows);
    },
  };
}
