import { ConstantPool } from './constant-pool.ts';
import type { Address, Expression, FunctionWriter, Local } from './wat.ts';

export type Precision = 'float32' | 'float64';

/**
 * 128 bits of floating-point numbers. Every kernel is written in these operations. The same kernel source yields float32 (4 lanes)
 * and float64 (2 lanes). If the runtime has relaxed SIMD, a multiply-add is fused; otherwise it rounds twice.
 */
export interface Vector {
  readonly precision: Precision;
  readonly lanes: 4 | 2;
  readonly elementBytes: 4 | 8;
  readonly fused: boolean;
  /**
   * Added to every weight gradient and to every second moment, so that neither becomes subnormal: subnormal numbers are
   * many times slower than normal ones. It is far below Adam's ε = 1e-8 (for v: its root is), so it changes no update.
   */
  readonly floor: number;
  /** The lowest argument of softmax's exponential. Its e^x is far below rounding, and the products of that are still normal numbers. */
  readonly lowestExponent: number;
  /** Lower than every score: a maximum starts from it. */
  readonly lowest: number;
  load(from: Address): Expression;
  /** One element, in all lanes. */
  splat(from: Address): Expression;
  store(to: Address, value: Expression): string;
  constant(value: number): Expression;
  add(a: Expression, b: Expression): Expression;
  sub(a: Expression, b: Expression): Expression;
  mul(a: Expression, b: Expression): Expression;
  div(a: Expression, b: Expression): Expression;
  max(a: Expression, b: Expression): Expression;
  sqrt(a: Expression): Expression;
  /** `a · b + c` */
  madd(a: Expression, b: Expression, c: Expression): Expression;
  /** `c - a · b` */
  nmadd(a: Expression, b: Expression, c: Expression): Expression;
  /** a where the mask's bits are set, else zero. */
  where(mask: Expression, a: Expression): Expression;
  /** All bits set in the lanes where a > b. */
  greater(a: Expression, b: Expression): Expression;
  /** e^x of each value, exact to the last bit or two, for x from `lowestExponent` to 80. */
  exp(f: FunctionWriter, values: readonly Expression[]): Local[];
  /** ln x of a normal positive number, exact to three units in the last place. */
  log(f: FunctionWriter, x: Expression): Expression;
  /** Turns a `lanes × lanes` square of rows into its columns. */
  transpose(f: FunctionWriter, rows: readonly Local[]): Local[];
}

/**
 * Polynomials for e^r on |r| <= ln 2 / 2, lowest power first. Their error is less than a tenth of a unit in the last place. In
 * float32 it is the Taylor series. In float64 it interpolates (e^r - 1) / r at the Chebyshev nodes, which saves two powers.
 */
const expCoefficients: Readonly<Record<Precision, readonly number[]>> = {
  float32: [1, 1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040],
  float64: [
    1, 1, 0.5000000000000006, 0.1666666666666667, 0.04166666666657239, 0.008333333333326084, 0.0013888888932751,
    0.0001984126987500228, 2.4801504014426906e-5, 2.755725517000089e-6, 2.7626495546432196e-7, 2.5105312729622103e-8,
  ],
};

/** Number of whole vectors that hold these columns. */
export function vectorsOf(v: Vector, columns: Expression): Expression {
  return `(i32.shr_u (i32.add ${columns} (i32.const ${v.lanes - 1})) (i32.const ${Math.log2(v.lanes)}))`;
}

export function vector(precision: Precision, fused: boolean, constants = new ConstantPool()): Vector {
  const single = precision === 'float32';
  const t = single ? 'f32x4' : 'f64x2';
  const i = single ? 'i32x4' : 'i64x2';
  const lanes = single ? 4 : 2;
  const floats = (values: readonly number[]): Expression =>
    constants.load(single ? Float32Array.from(values) : Float64Array.from(values));
  const integers = (values: readonly bigint[]): Expression =>
    constants.load(single ? Int32Array.from(values, Number) : BigInt64Array.from(values));
  const eachLane = <T>(value: (lane: number) => T): T[] => Array.from({ length: lanes }, (_, lane) => value(lane));
  const integer = (value: bigint): Expression => integers(eachLane(() => value));
  const mantissaBits = single ? 23 : 52;

  const v: Vector = {
    precision,
    lanes,
    elementBytes: single ? 4 : 8,
    fused,
    floor: single ? 1e-30 : 1e-100,
    lowestExponent: single ? -45 : -100,
    lowest: single ? -1e30 : -1e300,
    load: (from) => `(v128.load offset=${from.offsetBytes} ${from.base})`,
    splat: (from) => `(v128.load${single ? 32 : 64}_splat offset=${from.offsetBytes} ${from.base})`,
    store: (to, value) => `(v128.store offset=${to.offsetBytes} ${to.base} ${value})`,
    constant: (value) => (value === 0 ? '(v128.const i64x2 0 0)' : floats(eachLane(() => value))),
    add: (a, b) => `(${t}.add ${a} ${b})`,
    sub: (a, b) => `(${t}.sub ${a} ${b})`,
    mul: (a, b) => `(${t}.mul ${a} ${b})`,
    div: (a, b) => `(${t}.div ${a} ${b})`,
    max: (a, b) => `(${t}.pmax ${a} ${b})`,
    sqrt: (a) => `(${t}.sqrt ${a})`,
    madd: (a, b, c) => (fused ? `(${t}.relaxed_madd ${a} ${b} ${c})` : `(${t}.add (${t}.mul ${a} ${b}) ${c})`),
    nmadd: (a, b, c) => (fused ? `(${t}.relaxed_nmadd ${a} ${b} ${c})` : `(${t}.sub ${c} (${t}.mul ${a} ${b}))`),
    where: (mask, a) => `(v128.and ${a} ${mask})`,
    greater: (a, b) => `(${t}.gt ${a} ${b})`,

    // e^x = 2^k · e^r with k = round(x / ln 2) and |r| <= ln 2 / 2, where a short polynomial is enough.
    exp: (f, values) => {
      // Each step is done for all values, so that a constant is loaded once and the steps of different values overlap.
      const each = (name: string, of: (index: number) => Expression) =>
        values.map((_, index) => f.let('v128', name, of(index)));
      const constant = f.local('v128', 'constant');
      const load = (value: number) => f.set(constant, v.constant(value));
      const r = each('r', (index) => values[index]);
      const log2e = f.let('v128', 'log2e', v.constant(Math.LOG2E));
      // Adding 1.5 · 2^mantissaBits rounds to an integer and leaves it in the lowest bits of the sum.
      load(1.5 * 2 ** mantissaBits);
      const bits = each('bits', (index) => v.madd(r[index].get, log2e.get, constant.get));
      const k = each('k', (index) => v.sub(bits[index].get, constant.get));
      // ln 2 in two parts. The first has few bits, so that k times it is exact.
      for (const part of single
        ? [0.693359375, -2.1219444005469057e-4]
        : [0.6931471803691238, 1.9082149292705877e-10]) {
        load(part);
        for (const [index, rest] of r.entries()) f.set(rest, v.nmadd(k[index].get, constant.get, rest.get));
      }
      const [highest, ...lower] = [...expCoefficients[precision]].reverse();
      load(highest);
      const sum = each('sum', () => constant.get);
      for (const coefficient of lower) {
        load(coefficient);
        for (const [index, total] of sum.entries()) f.set(total, v.madd(total.get, r[index].get, constant.get));
      }
      return each(
        'e',
        (index) => `(${i}.add ${sum[index].get} (${i}.shl ${bits[index].get} (i32.const ${mantissaBits})))`,
      );
    },

    // x = 2^k · y with y in [1/√2, √2); ln y = 2 artanh z with z = (y - 1) / (y + 1), |z| <= 0.172.
    log: (f, x) => {
      const bits = f.let('v128', 'bits', x);
      const shifted = (value: Expression) => `(${i}.shr_s ${value} (i32.const ${mantissaBits}))`;
      const sqrtHalfBits = single ? 0x3f3504f3n : 0x3fe6a09e667f3bcdn;
      const k = f.let('v128', 'k', shifted(`(${i}.sub ${bits.get} ${integer(sqrtHalfBits)})`));
      const y = f.let('v128', 'y', `(${i}.sub ${bits.get} (${i}.shl ${k.get} (i32.const ${mantissaBits})))`);
      const z = f.let('v128', 'z', v.div(v.sub(y.get, v.constant(1)), v.add(y.get, v.constant(1))));
      const zz = f.let('v128', 'zz', v.mul(z.get, z.get));
      const terms = single ? 5 : 11;
      const sum = f.let('v128', 'sum', v.constant(2 / (2 * terms + 1)));
      for (let term = terms - 1; term >= 0; term--) f.set(sum, v.madd(sum.get, zz.get, v.constant(2 / (2 * term + 1))));
      const kFloat = single
        ? `(f32x4.convert_i32x4_s ${k.get})`
        : v.sub(
            // The bit pattern of 2^52 + 2^51 + k, minus 2^52 + 2^51, because SIMD cannot convert 64-bit integers.
            `(i64x2.add ${k.get} ${integer(0x4338000000000000n)})`,
            v.constant(6755399441055744),
          );
      return v.madd(kFloat, v.constant(Math.LN2), v.mul(sum.get, z.get));
    },

    transpose: (f, rows) => {
      const let_ = (value: Expression) => f.let('v128', 'column', value);
      const low64 = (a: Local, b: Local) => let_(shuffle64(a, b, [0, 2]));
      const high64 = (a: Local, b: Local) => let_(shuffle64(a, b, [1, 3]));
      const [r0, r1, r2, r3] = rows;
      if (r0 === undefined || r1 === undefined) throw new RangeError('a square of at least two rows');
      if (r2 === undefined || r3 === undefined) return [low64(r0, r1), high64(r0, r1)];
      const low32 = (a: Local, b: Local) => let_(shuffle32(a, b, [0, 4, 1, 5]));
      const high32 = (a: Local, b: Local) => let_(shuffle32(a, b, [2, 6, 3, 7]));
      const [a, b, c, d] = [low32(r0, r1), low32(r2, r3), high32(r0, r1), high32(r2, r3)];
      return [low64(a, b), high64(a, b), low64(c, d), high64(c, d)];
    },
  };
  return v;
}

function shuffle32(a: Local, b: Local, picks: readonly number[]): Expression {
  return shuffle(a, b, picks, 4);
}

function shuffle64(a: Local, b: Local, picks: readonly number[]): Expression {
  return shuffle(a, b, picks, 8);
}

function shuffle(a: Local, b: Local, picks: readonly number[], bytes: number): Expression {
  const indexes = picks.flatMap((pick) => Array.from({ length: bytes }, (_, byte) => pick * bytes + byte));
  return `(i8x16.shuffle ${indexes.join(' ')} ${a.get} ${b.get})`;
}
