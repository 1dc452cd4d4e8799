export type NarrowFormat = 'float16' | 'bfloat16' | 'float32';

/** Number formats narrower than float64, the narrowest first, and what they make of a number. */
const formats: readonly (readonly [name: NarrowFormat, round: (x: number) => number])[] = [
  ['bfloat16', bfloat16],
  ['float16', Math.f16round],
  ['float32', Math.fround],
];

/** The narrowest format that holds every one of these numbers as it is; undefined where only float64 does, or one is not finite. */
export function narrowFormat(numbers: readonly Float64Array[]): NarrowFormat | undefined {
  if (!numbers.every((part) => part.every(Number.isFinite))) return undefined;
  return formats.find(([, round]) => numbers.every((part) => part.every((x) => Object.is(round(x), x))))?.[0];
}

/** The upper half of a float32: NaN for what is more than that. */
function bfloat16(x: number): number {
  const bits = new Uint32Array(Float32Array.of(x).buffer);
  const isExact = Math.fround(x) === x && (bits[0] & 0xffff) === 0;
  return isExact ? x : Number.NaN;
}
