/**
 * `y = x · s` with `s = (mean(x²) + 1e-5)^(-1/2)`, row by row. All matrices are `[rows, width]`, `scales` is `[rows]`.
 * `y` may be `x` itself.
 */
export function rmsnorm(y: Float64Array, scales: Float64Array, x: Float64Array, rows: number, width: number): void {
  for (let row = 0; row < rows; row++) {
    const start = row * width;
    const end = start + width;
    let squares = 0;
    for (let i = start; i < end; i++) squares += x[i] * x[i];
    const scale = 1 / Math.sqrt(squares / width + 1e-5);
    for (let i = start; i < end; i++) y[i] = x[i] * scale;
    scales[row] = scale;
  }
}

/**
 * Adds the gradient of {@link rmsnorm} to `dx`. Since `ds/dx = -s³ x / width` and `x = y / s`:
 * `dx += s · (dy - y · mean(dy · y))`.
 */
export function rmsnormBackward(
  dx: Float64Array,
  dy: Float64Array,
  y: Float64Array,
  scales: Float64Array,
  rows: number,
  width: number,
): void {
  for (let row = 0; row < rows; row++) {
    const start = row * width;
    const end = start + width;
    let dot = 0;
    for (let i = start; i < end; i++) dot += dy[i] * y[i];
    const mean = dot / width;
    const scale = scales[row];
    for (let i = start; i < end; i++) dx[i] += scale * (dy[i] - y[i] * mean);
  }
}
