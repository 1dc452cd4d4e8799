import type { Epilogue, Sum } from './epilogue.ts';

const BETA_1 = 0.85;
const BETA_2 = 0.99;
const EPSILON = 1e-8;

/**
 * Added to every gradient, where it is far below what rounding sees. Without it the moments of a parameter that gets no gradient
 * any more sink, step by step, into subnormal numbers, and training slows down; with it m comes to rest near 1e-139, g² at 1e-280 and v near 1e-278.
 */
const FLOOR = 1e-140;

/** What Adam keeps for all parameters, and the two factors that change from step to step. */
export class AdamState {
  /** Without their factors: Adam's moments are `(1 - β1) m` and `(1 - β2) v`. */
  readonly m: Float64Array;
  readonly v: Float64Array;
  /** What the update `rate · m / (√v + epsilon)` has instead of the moments' factors. */
  readonly factors = new Float64Array(2);

  constructor(parameters: number) {
    this.m = new Float64Array(parameters);
    this.v = new Float64Array(parameters);
  }

  /** @param step counted from 0 */
  startStep(step: number, learningRate: number): void {
    const first = (1 - BETA_1) / (1 - BETA_1 ** (step + 1));
    const second = Math.sqrt((1 - BETA_2) / (1 - BETA_2 ** (step + 1)));
    this.factors[0] = (learningRate * first) / second;
    this.factors[1] = EPSILON / second;
  }

  reset(): void {
    this.m.fill(0);
    this.v.fill(0);
  }
}

/** Takes the sums of a product as gradients and updates parameters `start … end - 1` of `p` by them: gradients are never stored. */
export function updateByAdam(p: Float64Array, { m, v, factors }: AdamState, start: number, end: number): Epilogue {
  return {
    arrays: { p: p.subarray(start, end), m: m.subarray(start, end), v: v.subarray(start, end) },
    constants: { factors },
    start: FLOOR,
    prologue: 'const rate = factors[0], epsilon = factors[1];',
    code: updateAll,
  };
}

/** The update is `p -= rate · m / (√v + ε)`: all roots come before all divisions, so that none waits for its own root. */
function updateAll(sums: readonly Sum[]): string {
  const roots = sums.map(
    ({ name, elements: { m, v } }, n) => `
      const m${n} = ${BETA_1} * ${m} + ${name};
      const v${n} = ${BETA_2} * ${v} + ${name} * ${name};
      ${m} = m${n};
      ${v} = v${n};
      const d${n} = Math.sqrt(v${n}) + epsilon;`,
  );
  const updates = sums.map(({ elements: { p } }, n) => `${p} -= (rate * m${n}) / d${n};`);
  return `{${roots.join('')}\n${updates.join('\n')}}`;
}
