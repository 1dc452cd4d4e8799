/**
 * log, sin and cos as the double nearest to the true value.
 *
 * V8's own miss it several times in a hundred, the C libraries that Python calls about once in a thousand. With these, start
 * parameters depend on neither, and are Python's but for those few last bits.
 *
 * Double-double arithmetic: a number is the sum of two doubles, about 106 bits (Dekker, "A floating-point technique for
 * extending the available precision", Numerische Mathematik 18, 1971).
 */
interface DoubleDouble {
  readonly high: number;
  readonly low: number;
}

/** log(x) for x in [2⁻⁵³, 1]. */
export function log(x: number): number {
  const estimate = Math.log(x);
  // log(x) = estimate + log(x / exp(estimate)), whose second term is tiny.
  const ratio = multiply(exp(-estimate), { high: x, low: 0 });
  const excess = ratio.high - 1 + ratio.low;
  return estimate + (excess - (excess * excess) / 2);
}

/** sin(x) for x in [0, 2π]. */
export function sin(x: number): number {
  const { quadrant, rest } = reduce(x);
  const value = quadrant % 2 === 0 ? sinNearZero(rest) : cosNearZero(rest);
  return quadrant % 4 < 2 ? value : -value;
}

/** cos(x) for x in [0, 2π]. */
export function cos(x: number): number {
  const { quadrant, rest } = reduce(x);
  const value = quadrant % 2 === 0 ? cosNearZero(rest) : sinNearZero(rest);
  return quadrant % 4 === 1 || quadrant % 4 === 2 ? -value : value;
}

const ONE: DoubleDouble = { high: 1, low: 0 };
/** π/2 to 160 bits. */
const HALF_PI = [1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33] as const;
const TERMS = 15;

/** 1/n to double-double precision. */
const reciprocals = Array.from({ length: 2 * TERMS * (2 * TERMS + 1) + 1 }, (_, n) => reciprocal(n));

/** exp(x) for |x| up to 40: exp(x / 2¹⁰) by its series, then squared ten times. */
function exp(x: number): DoubleDouble {
  const halvings = 10;
  const small = { high: x / 2 ** halvings, low: 0 };
  let result = ONE;
  for (let n = TERMS; n > 0; n--) result = add(ONE, multiply(result, multiply(small, reciprocals[n])));
  for (let i = 0; i < halvings; i++) result = multiply(result, result);
  return result;
}

/** x = quadrant · π/2 + rest, |rest| at most π/4. */
function reduce(x: number): { quadrant: number; rest: DoubleDouble } {
  const quadrant = Math.round(x / HALF_PI[0]);
  let rest: DoubleDouble = { high: x, low: 0 };
  for (const part of HALF_PI) rest = add(rest, exactProduct(-quadrant, part));
  return { quadrant, rest };
}

/** r - r³/3! + r⁵/5! - … */
function sinNearZero(r: DoubleDouble): number {
  return multiply(alternating(r, 1), r).high;
}

/** 1 - r²/2! + r⁴/4! - … */
function cosNearZero(r: DoubleDouble): number {
  return alternating(r, -1).high;
}

/** 1 - r²/(2 · (2 + next)) · (1 - r²/(4 · (4 + next)) · (1 - …)), from the last term inwards. */
function alternating(r: DoubleDouble, next: 1 | -1): DoubleDouble {
  const minusSquare = negate(multiply(r, r));
  let sum = ONE;
  for (let n = TERMS; n > 0; n--) {
    sum = add(ONE, multiply(sum, multiply(minusSquare, reciprocals[2 * n * (2 * n + next)])));
  }
  return sum;
}

function negate(x: DoubleDouble): DoubleDouble {
  return { high: -x.high, low: -x.low };
}

function add(x: DoubleDouble, y: DoubleDouble): DoubleDouble {
  const sum = exactSum(x.high, y.high);
  return exactSum(sum.high, sum.low + (x.low + y.low));
}

function multiply(x: DoubleDouble, y: DoubleDouble): DoubleDouble {
  const product = exactProduct(x.high, y.high);
  return exactSum(product.high, product.low + (x.high * y.low + x.low * y.high));
}

function reciprocal(n: number): DoubleDouble {
  const high = 1 / n;
  const product = exactProduct(high, n);
  return { high, low: (1 - product.high - product.low) / n };
}

/** a + b without error (Knuth, The Art of Computer Programming, volume 2, 4.2.2). */
function exactSum(a: number, b: number): DoubleDouble {
  const high = a + b;
  const fromB = high - a;
  return { high, low: a - (high - fromB) + (b - fromB) };
}

/** a · b without error, by cutting both into halves of 26 bits (Dekker, 1971). */
function exactProduct(a: number, b: number): DoubleDouble {
  const high = a * b;
  const aHigh = upperHalf(a);
  const bHigh = upperHalf(b);
  const aLow = a - aHigh;
  const bLow = b - bHigh;
  return { high, low: aLow * bLow - (high - aHigh * bHigh - aLow * bHigh - aHigh * bLow) };
}

function upperHalf(a: number): number {
  const scaled = a * 0x8000001;
  return scaled - (scaled - a);
}
