const BETA_1 = 0.85;
const BETA_2 = 0.99;
const EPSILON = 1e-8;

/**
 * Added to every gradient, where it is far below what rounding sees. Without it the moments of a parameter that gets no gradient
 * any more sink, step by step, into subnormal numbers, and training slows down; with it they come to rest at 1e-140, and g² and v at 1e-280.
 */
const FLOOR = 1e-140;

/** Adam's moments, both `[parameters]`. */
export interface Moments {
  readonly first: Float64Array;
  readonly second: Float64Array;
}

/** Updates all parameters `p` from gradients `g`, both `[parameters]`; `step` counts from 0. */
export function adam(p: Float64Array, g: Float64Array, moments: Moments, step: number, learningRate: number): void {
  const { first, second } = moments;
  const firstCorrection = learningRate / (1 - BETA_1 ** (step + 1));
  const secondCorrection = 1 / (1 - BETA_2 ** (step + 1));
  for (let i = 0; i < p.length; i++) {
    const gradient = g[i] + FLOOR;
    const m = BETA_1 * first[i] + (1 - BETA_1) * gradient;
    const v = BETA_2 * second[i] + (1 - BETA_2) * gradient * gradient;
    first[i] = m;
    second[i] = v;
    p[i] -= (firstCorrection * m) / (Math.sqrt(v * secondCorrection) + EPSILON);
  }
}
