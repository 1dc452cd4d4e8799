import { exponential } from './exponential.ts';

/**
 * A probability below e^-230 (1e-100) counts as zero. It is too small to change any sum, and
 * its products with gradients would be subnormal numbers, which cost a hundred cycles each.
 */
const LOWEST_EXPONENT = -230;

/**
 * Replaces `values[start … end)` by its softmax, times `weight`. Returns the logarithm of the sum of the exponentials of the old values.
 */
export function softmax(values: Float64Array, start: number, end: number, weight = 1): number {
  let max = values[start];
  for (let i = start + 1; i < end; i++) if (values[i] > max) max = values[i];
  let total = 0;
  for (let i = start; i < end; i++) {
    const exponent = values[i] - max;
    const power = exponent < LOWEST_EXPONENT ? 0 : exponential(exponent);
    values[i] = power;
    total += power;
  }
  const factor = weight / total;
  for (let i = start; i < end; i++) values[i] *= factor;
  return max + Math.log(total);
}
