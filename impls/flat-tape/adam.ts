const BETA_1 = 0.85;
const BETA_2 = 0.99;
const EPSILON = 1e-8;

/**
 * Added to every gradient; it is far below rounding. Without it, if a parameter gets no gradient any more, its moments shrink to
 * subnormal numbers, and training becomes slow. With it they stay at 1e-140 and 1e-280.
 */
const FLOOR = 1e-140;

export class Adam {
  readonly #m: Float64Array;
  readonly #v: Float64Array;

  constructor(parameters: number) {
    this.#m = new Float64Array(parameters);
    this.#v = new Float64Array(parameters);
  }

  /** Moves `data[first …]` against `grad[first …]`; `step` counts from 0. */
  update(data: Float64Array, grad: Float64Array, first: number, step: number, learningRate: number): void {
    const m = this.#m;
    const v = this.#v;
    const firstCorrection = learningRate / (1 - BETA_1 ** (step + 1));
    const secondCorrection = 1 / (1 - BETA_2 ** (step + 1));
    for (let i = 0; i < m.length; i++) {
      const g = grad[first + i] + FLOOR;
      const mean = BETA_1 * m[i] + (1 - BETA_1) * g;
      const square = BETA_2 * v[i] + (1 - BETA_2) * g * g;
      m[i] = mean;
      v[i] = square;
      data[first + i] -= (firstCorrection * mean) / (Math.sqrt(square * secondCorrection) + EPSILON);
    }
  }

  reset(): void {
    this.#m.fill(0);
    this.#v.fill(0);
  }
}
