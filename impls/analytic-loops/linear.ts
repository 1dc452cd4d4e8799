/**
 * A linear layer `y = x wᵀ` and its gradients, in plain loops. Matrices are row-major:
 * x and dx are `[rows, inputs]`, w and dw `[outputs, inputs]`, y and dy `[rows, outputs]`.
 */

/** `y[row, output] = Σ_input x[row, input] · w[output, input]` */
export function linear(
  y: Float64Array,
  x: Float64Array,
  w: Float64Array,
  rows: number,
  outputs: number,
  inputs: number,
): void {
  for (let row = 0; row < rows; row++) {
    const xStart = row * inputs;
    for (let output = 0; output < outputs; output++) {
      const wStart = output * inputs;
      let sum = 0;
      for (let i = 0; i < inputs; i++) sum += x[xStart + i] * w[wStart + i];
      y[row * outputs + output] = sum;
    }
  }
}

/** `dx[row, input] = Σ_output dy[row, output] · w[output, input]` */
export function inputGradient(
  dx: Float64Array,
  dy: Float64Array,
  w: Float64Array,
  rows: number,
  outputs: number,
  inputs: number,
): void {
  dx.fill(0, 0, rows * inputs);
  for (let row = 0; row < rows; row++) {
    const dxStart = row * inputs;
    for (let output = 0; output < outputs; output++) {
      const factor = dy[row * outputs + output];
      const wStart = output * inputs;
      for (let i = 0; i < inputs; i++) dx[dxStart + i] += factor * w[wStart + i];
    }
  }
}

/** `dw[output, input] = Σ_row dy[row, output] · x[row, input]` */
export function weightGradient(
  dw: Float64Array,
  dy: Float64Array,
  x: Float64Array,
  rows: number,
  outputs: number,
  inputs: number,
): void {
  dw.fill(0);
  for (let output = 0; output < outputs; output++) {
    const dwStart = output * inputs;
    for (let row = 0; row < rows; row++) {
      const factor = dy[row * outputs + output];
      const xStart = row * inputs;
      for (let i = 0; i < inputs; i++) dw[dwStart + i] += factor * x[xStart + i];
    }
  }
}
