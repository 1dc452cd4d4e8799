/** Steps from one power of 2 to the next. */
const STEPS = 64;
/** ln 2 - `Math.LN2`. */
const LN2_REST = 2.3190468138462996e-17;
/** ln 2 / 64 in two parts. The first has so few bits that its product with n is exact. */
const STEP_HIGH = Math.floor((Math.LN2 / STEPS) * 2 ** 40) / 2 ** 40;
const STEP_LOW = Math.LN2 / STEPS - STEP_HIGH + LN2_REST / STEPS;

const wholeOctaves = Float64Array.from({ length: 512 }, (_, i) => 2 ** -i);
const partsOfOctave = Float64Array.from({ length: STEPS }, (_, i) => 2 ** (-i / STEPS));

/**
 * `e^x` for x from -350 to 0, within two units in the last place. With `x = r - n ln2 / 64` it is `2^(-n/64) · e^r`, and r is so near
 * to 0 that a series to degree 5 is exact. For `Math.exp` V8 calls a C++ function; it inlines this one.
 */
export function exponential(x: number): number {
  const n = (0.5 - x * (STEPS / Math.LN2)) | 0;
  const r = x + n * STEP_HIGH + n * STEP_LOW;
  const square = r * r;
  const power = 1 + r + square * (1 / 2 + r * (1 / 6) + square * (1 / 24 + r * (1 / 120)));
  return wholeOctaves[n >> 6] * partsOfOctave[n & 63] * power;
}
