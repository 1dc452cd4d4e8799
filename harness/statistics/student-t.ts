import { errorFunction, probit } from 'simple-statistics';

/**
 * Two-sided critical value of Student's t: |T| exceeds it with probability `tail`. G. W. Hill, "Algorithm 396: Student's
 * t-quantiles", Communications of the ACM 13(10), 1970; exact for one and two degrees of freedom, good to four digits from
 * three on.
 * @throws RangeError if `tail` is not in (0, 1) or `degreesOfFreedom` is not a positive integer
 */
export function studentCriticalValue(tail: number, degreesOfFreedom: number): number {
  const n = degreesOfFreedom;
  if (!(tail > 0 && tail < 1)) throw new RangeError(`tail must lie between 0 and 1, got ${tail}`);
  if (!(Number.isInteger(n) && n > 0)) throw new RangeError(`degrees of freedom must be a positive integer, got ${n}`);
  if (n === 1) return 1 / Math.tan((tail * Math.PI) / 2);
  if (n === 2) return Math.sqrt(2 / (tail * (2 - tail)) - 2);

  const a = 1 / (n - 0.5);
  const b = 48 / a ** 2;
  let c = (((20700 * a) / b - 98) * a - 16) * a + 96.36;
  const d = ((94.5 / (b + c) - 3) / b + 1) * Math.sqrt((a * Math.PI) / 2) * n;
  let y = (d * tail) ** (2 / n);
  if (y > 0.05 + a) {
    const x = normalQuantile(tail / 2);
    y = x * x;
    if (n < 5) c += 0.3 * (n - 4.5) * (x + 0.6);
    c += (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b;
    y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x;
    y = Math.expm1(a * y * y);
  } else {
    y =
      ((1 / (((n + 6) / (n * y) - 0.089 * d - 0.822) * (n + 2) * 3) + 0.5 / (n + 4)) * y - 1) * ((n + 1) / (n + 2)) +
      1 / y;
  }
  return Math.sqrt(n * y);
}

/** `probit` is good to three digits; one step of Newton's method doubles them. */
function normalQuantile(probability: number): number {
  const x = probit(probability);
  const density = Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
  return x - ((1 + errorFunction(x / Math.SQRT2)) / 2 - probability) / density;
}
