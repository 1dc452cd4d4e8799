/**
 * The three matrix products of a linear layer `y = x Wᵀ`: forward, and its two gradients.
 *
 * Every matrix is row-major. `rows` is the number of positions, `outputs × inputs` the shape of the weights.
 * Each kernel keeps a tile of eight sums in local variables, so that six loads feed eight multiply-adds;
 * what a tile does not cover is left to `edge…`, the same product in its plainest form.
 */

/** `y[rows, outputs] = x[rows, inputs] · w[outputs, inputs]ᵀ`: a dot product of two rows. */
export function multiplyByTransposed(
  y: Float64Array,
  x: Float64Array,
  w: Float64Array,
  rows: number,
  outputs: number,
  inputs: number,
): void {
  const tiledRows = rows - (rows % 2);
  const tiledOutputs = outputs - (outputs % 4);
  for (let row = 0; row < tiledRows; row += 2) {
    const xStart = row * inputs;
    const xNext = xStart + inputs;
    for (let output = 0; output < tiledOutputs; output += 4) {
      let w0 = output * inputs;
      let w1 = w0 + inputs;
      let w2 = w1 + inputs;
      let w3 = w2 + inputs;
      let x0 = xStart;
      let x1 = xNext;
      let s00 = 0;
      let s01 = 0;
      let s02 = 0;
      let s03 = 0;
      let s10 = 0;
      let s11 = 0;
      let s12 = 0;
      let s13 = 0;
      for (; x0 < xNext; x0++, x1++, w0++, w1++, w2++, w3++) {
        const a = x[x0];
        const b = x[x1];
        s00 += a * w[w0];
        s10 += b * w[w0];
        s01 += a * w[w1];
        s11 += b * w[w1];
        s02 += a * w[w2];
        s12 += b * w[w2];
        s03 += a * w[w3];
        s13 += b * w[w3];
      }
      const y0 = row * outputs + output;
      const y1 = y0 + outputs;
      y[y0] = s00;
      y[y0 + 1] = s01;
      y[y0 + 2] = s02;
      y[y0 + 3] = s03;
      y[y1] = s10;
      y[y1 + 1] = s11;
      y[y1 + 2] = s12;
      y[y1 + 3] = s13;
    }
  }
  for (let row = 0; row < rows; row++) {
    for (let output = row < tiledRows ? tiledOutputs : 0; output < outputs; output++) {
      let sum = 0;
      for (let input = 0; input < inputs; input++) sum += x[row * inputs + input] * w[output * inputs + input];
      y[row * outputs + output] = sum;
    }
  }
}

/** `dx[rows, inputs] = dy[rows, outputs] · w[outputs, inputs]`. */
export function multiply(
  dx: Float64Array,
  dy: Float64Array,
  w: Float64Array,
  rows: number,
  outputs: number,
  inputs: number,
): void {
  const tiledRows = rows - (rows % 2);
  const tiledInputs = inputs - (inputs % 4);
  for (let row = 0; row < tiledRows; row += 2) {
    const dyStart = row * outputs;
    const dyNext = dyStart + outputs;
    for (let input = 0; input < tiledInputs; input += 4) {
      let s00 = 0;
      let s01 = 0;
      let s02 = 0;
      let s03 = 0;
      let s10 = 0;
      let s11 = 0;
      let s12 = 0;
      let s13 = 0;
      for (let i0 = dyStart, i1 = dyNext, j = input; i0 < dyNext; i0++, i1++, j += inputs) {
        const a = dy[i0];
        const b = dy[i1];
        const w0 = w[j];
        const w1 = w[j + 1];
        const w2 = w[j + 2];
        const w3 = w[j + 3];
        s00 += a * w0;
        s10 += b * w0;
        s01 += a * w1;
        s11 += b * w1;
        s02 += a * w2;
        s12 += b * w2;
        s03 += a * w3;
        s13 += b * w3;
      }
      const o0 = row * inputs + input;
      const o1 = o0 + inputs;
      dx[o0] = s00;
      dx[o0 + 1] = s01;
      dx[o0 + 2] = s02;
      dx[o0 + 3] = s03;
      dx[o1] = s10;
      dx[o1 + 1] = s11;
      dx[o1 + 2] = s12;
      dx[o1 + 3] = s13;
    }
  }
  for (let row = 0; row < rows; row++) {
    for (let input = row < tiledRows ? tiledInputs : 0; input < inputs; input++) {
      let sum = 0;
      for (let output = 0; output < outputs; output++) sum += dy[row * outputs + output] * w[output * inputs + input];
      dx[row * inputs + input] = sum;
    }
  }
}

/** `dw[outputs, inputs] = dy[rows, outputs]ᵀ · x[rows, inputs]`: a sum over positions. */
export function multiplyTransposed(
  dw: Float64Array,
  dy: Float64Array,
  x: Float64Array,
  rows: number,
  outputs: number,
  inputs: number,
): void {
  const tiledOutputs = outputs - (outputs % 2);
  const tiledInputs = inputs - (inputs % 4);
  const dyEnd = rows * outputs;
  for (let output = 0; output < tiledOutputs; output += 2) {
    for (let input = 0; input < tiledInputs; input += 4) {
      let s00 = 0;
      let s01 = 0;
      let s02 = 0;
      let s03 = 0;
      let s10 = 0;
      let s11 = 0;
      let s12 = 0;
      let s13 = 0;
      for (let i = output, j = input; i < dyEnd; i += outputs, j += inputs) {
        const a = dy[i];
        const b = dy[i + 1];
        const x0 = x[j];
        const x1 = x[j + 1];
        const x2 = x[j + 2];
        const x3 = x[j + 3];
        s00 += a * x0;
        s10 += b * x0;
        s01 += a * x1;
        s11 += b * x1;
        s02 += a * x2;
        s12 += b * x2;
        s03 += a * x3;
        s13 += b * x3;
      }
      const o0 = output * inputs + input;
      const o1 = o0 + inputs;
      dw[o0] = s00;
      dw[o0 + 1] = s01;
      dw[o0 + 2] = s02;
      dw[o0 + 3] = s03;
      dw[o1] = s10;
      dw[o1 + 1] = s11;
      dw[o1 + 2] = s12;
      dw[o1 + 3] = s13;
    }
  }
  for (let output = 0; output < outputs; output++) {
    for (let input = output < tiledOutputs ? tiledInputs : 0; input < inputs; input++) {
      let sum = 0;
      for (let row = 0; row < rows; row++) sum += dy[row * outputs + output] * x[row * inputs + input];
      dw[output * inputs + input] = sum;
    }
  }
}
