import type { Precision } from '../program/manifest.ts';

/** Reads `count` numbers of each array from a start on, `stride` apart, and returns the sum of their products. */
type Dot = (
  a: Float64Array,
  aStart: number,
  aStride: number,
  b: Float64Array,
  bStart: number,
  bStride: number,
  count: number,
) => number;

/** For tests only: a way to compute that is right. Numbers are float64, and hold what `round` makes of them. */
export interface Arithmetic {
  readonly name: string;
  readonly precision: Precision;
  readonly round: (x: number) => number;
  readonly sqrt: (x: number) => number;
  readonly exp: (x: number) => number;
  readonly dot: Dot;
}

type Round = (x: number) => number;
const exact: Round = (x) => x;

const inOrder =
  (round: Round): Dot =>
  (a, ai, as, b, bi, bs, n) => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum = round(sum + round(a[ai + i * as] * b[bi + i * bs]));
    return sum;
  };

const backwards =
  (round: Round): Dot =>
  (a, ai, as, b, bi, bs, n) => {
    let sum = 0;
    for (let i = n - 1; i >= 0; i--) sum = round(sum + round(a[ai + i * as] * b[bi + i * bs]));
    return sum;
  };

const inLanes =
  (round: Round, lanes: number): Dot =>
  (a, ai, as, b, bi, bs, n) => {
    const sums = new Float64Array(lanes);
    for (let i = 0; i < n; i++) sums[i % lanes] = round(sums[i % lanes] + round(a[ai + i * as] * b[bi + i * bs]));
    return sums.reduce((sum, lane) => round(sum + lane));
  };

const pairwise =
  (round: Round): Dot =>
  (a, ai, as, b, bi, bs, n) => {
    const sum = (from: number, to: number): number => {
      if (to - from === 0) return 0;
      if (to - from === 1) return round(a[ai + from * as] * b[bi + from * bs]);
      const middle = (from + to) >> 1;
      return round(sum(from, middle) + sum(middle, to));
    };
    return sum(0, n);
  };

/** Kahan, "Further remarks on reducing truncation errors", Communications of the ACM 8 (1965). */
const compensated =
  (round: Round): Dot =>
  (a, ai, as, b, bi, bs, n) => {
    let sum = 0;
    let lost = 0;
    for (let i = 0; i < n; i++) {
      const term = round(round(a[ai + i * as] * b[bi + i * bs]) - lost);
      const next = round(sum + term);
      lost = round(round(next - sum) - term);
      sum = next;
    }
    return sum;
  };

/** In float32 a product is exact in float64, and so is nearly all of its sum. */
const fused32: Dot = (a, ai, as, b, bi, bs, n) => {
  let sum = 0;
  for (let i = 0; i < n; i++) sum = Math.fround(a[ai + i * as] * b[bi + i * bs] + sum);
  return sum;
};

/** Product and sum without error (Dekker 1971; Knuth, volume 2, 4.2.2), rounded once. */
const fused64: Dot = (a, ai, as, b, bi, bs, n) => {
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const [x, y] = [a[ai + i * as], b[bi + i * bs]];
    const product = x * y;
    const [xHigh, yHigh] = [upperHalf(x), upperHalf(y)];
    const [xLow, yLow] = [x - xHigh, y - yHigh];
    const productError = xLow * yLow - (product - xHigh * yHigh - xLow * yHigh - xHigh * yLow);
    const next = sum + product;
    const part = next - sum;
    sum = next + (sum - (next - part) + (product - part) + productError);
  }
  return sum;
};

function upperHalf(x: number): number {
  const shifted = x * 134_217_729;
  return shifted - (shifted - x);
}

const doubleSums: Dot = (a, ai, as, b, bi, bs, n) => {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += a[ai + i * as] * b[bi + i * bs];
  return Math.fround(sum);
};

/** Off by up to 2 units in the last place, up or down as the argument's bits have it. */
function coarseExp(unit: number): (x: number) => number {
  return (x) => Math.exp(x) * (1 + 2 * unit * Math.sin(1e6 * x));
}

function arithmetic(name: string, precision: Precision, dot: (round: Round) => Dot, changed: Partial<Arithmetic> = {}) {
  const round = precision === 'float32' ? Math.fround : exact;
  return {
    name: `${precision}, ${name}`,
    precision,
    round,
    sqrt: (x: number) => round(Math.sqrt(x)),
    exp: (x: number) => round(Math.exp(x)),
    dot: dot(round),
    ...changed,
  };
}

export const float64: Arithmetic = arithmetic('sums in order', 'float64', inOrder);
export const float32: Arithmetic = arithmetic('sums in order', 'float32', inOrder);

/** Ways to compute that must never be refused. */
export const rightArithmetics: readonly Arithmetic[] = [
  float64,
  arithmetic('sums backwards', 'float64', backwards),
  arithmetic('sums in 8 lanes', 'float64', (round) => inLanes(round, 8)),
  arithmetic('pairwise sums', 'float64', pairwise),
  arithmetic('compensated sums', 'float64', compensated),
  arithmetic('fused multiply-add', 'float64', () => fused64),
  arithmetic('exp within 2 units', 'float64', inOrder, { exp: coarseExp(2 ** -52) }),
  float32,
  arithmetic('sums backwards', 'float32', backwards),
  arithmetic('sums in 8 lanes', 'float32', (round) => inLanes(round, 8)),
  arithmetic('pairwise sums', 'float32', pairwise),
  arithmetic('compensated sums', 'float32', compensated),
  arithmetic('fused multiply-add', 'float32', () => fused32),
  arithmetic('sums in float64', 'float32', () => doubleSums),
  arithmetic('exp within 2 units', 'float32', inOrder, {
    exp: (x) => Math.fround(coarseExp(2 ** -23)(x)),
  }),
];
