import type { Epilogue, Sum } from './epilogue.ts';

const BETA_1 = 0.85;
const BETA_2 = 0.99;
const EPSILON = 1e-8;

/**
 * Added to every gradient; it is far below rounding. Without it, if a parameter gets no gradient any more, its moments shrink to
 * subnormal numbers, and training becomes slow. With it m stays near 1e-139, g² at 1e-280 and v near 1e-278.
 */
const FLOOR = 1e-140;

/** What Adam keeps for all parameters, and the two factors that change from step to step. */
export class AdamState {
  /** m and v lack their factors: Adam's moments are `(1 - β1) m` and `(1 - β2) v`. */
  readonly m: Float64Array;
  readonly v: Float64Array;
  /** `rate` and `epsilon` of the update `rate · m / (√v + epsilon)`: they include the factors that the moments lack. */
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

/** An epilogue that takes sums as gradients and updates parameters `start … end - 1` of `p` by them, so gradients are never stored. */
export function updateByAdam(p: Float64Array, { m, v, factors }: AdamState, start: number, end: number): Epilogue {
  return {
    arrays: { p: p.subarray(start, end), m: m.subarray(start, end), v: v.subarray(start, end) },
    constants: { factors },
    start: FLOOR,
    prologue: 'const rate = factors[0], epsilon = factors[1];',
    before: (sums) => `let late = 0, lateRate = 0, ${sums.map((_, n) => `denominator${n} = 1`)};`,
    code: (sums) => `${updateLate(sums)}\n${average(sums)}\nlate = cIndex; lateRate = rate;`,
    after: updateLate,
  };
}

/** Source that updates the moments, and computes the denominator of the update `p -= rate · m / (√v + ε)`. */
function average(sums: readonly Sum[]): string {
  return sums
    .map(
      ({ name, views: { m, v } }, n) => `
      const v${n} = ${BETA_2} * ${v}[cIndex] + ${name} * ${name};
      ${v}[cIndex] = v${n};
      ${m}[cIndex] = ${BETA_1} * ${m}[cIndex] + ${name};
      denominator${n} = Math.sqrt(v${n}) + epsilon;`,
    )
    .join('');
}

/**
 * The update runs one tile late; meanwhile the roots are computed. Before the first tile nothing is updated, because `lateRate` is 0.
 * One division serves two parameters: a / b = a c / (b c).
 */
function updateLate(sums: readonly Sum[]): string {
  const update = ({ views: { p, m } }: Sum, inverse: string) => `${p}[late] -= ${m}[late] * (${inverse});`;
  const lines = sums.map((sum, n) => {
    if (n % 2 === 1) return update(sum, `quotient${n - 1} * denominator${n - 1}`);
    if (n + 1 === sums.length) return update(sum, `lateRate / denominator${n}`);
    return `const quotient${n} = lateRate / (denominator${n} * denominator${n + 1});
      ${update(sum, `quotient${n} * denominator${n + 1}`)}`;
  });
  return `{${lines.join('\n')}}`;
}
