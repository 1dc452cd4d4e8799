import type { Value } from './value.ts';

const BETA_1 = 0.85;
const BETA_2 = 0.99;
const EPSILON = 1e-8;

/**
 * Added to every gradient; it is far below rounding. Without it, if a parameter gets no gradient any more, its moments shrink to
 * subnormal numbers, and training becomes slow. With it they stay at 1e-140 and 1e-280.
 */
const FLOOR = 1e-140;

export class Adam {
  readonly #parameters: readonly Value[];
  readonly #m: Float64Array;
  readonly #v: Float64Array;

  constructor(parameters: readonly Value[]) {
    this.#parameters = parameters;
    this.#m = new Float64Array(parameters.length);
    this.#v = new Float64Array(parameters.length);
  }

  /** Moves every parameter against its `grad`; `step` counts from 0. */
  update(step: number, learningRate: number): void {
    const m = this.#m;
    const v = this.#v;
    const firstCorrection = 1 - BETA_1 ** (step + 1);
    const secondCorrection = 1 - BETA_2 ** (step + 1);
    for (let i = 0; i < m.length; i++) {
      const parameter = this.#parameters[i];
      const grad = parameter.grad + FLOOR;
      m[i] = BETA_1 * m[i] + (1 - BETA_1) * grad;
      v[i] = BETA_2 * v[i] + (1 - BETA_2) * (grad * grad);
      const mHat = m[i] / firstCorrection;
      const vHat = v[i] / secondCorrection;
      parameter.data -= (learningRate * mHat) / (Math.sqrt(vHat) + EPSILON);
    }
  }

  reset(): void {
    this.#m.fill(0);
    this.#v.fill(0);
  }
}
