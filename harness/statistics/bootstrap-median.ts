import { gammaln } from 'simple-statistics';

/** A value that the median of a resample can take. */
interface Atom {
  readonly value: number;
  readonly probability: number;
}

/**
 * Quantiles of the bootstrap distribution of the median, over all nⁿ equally likely resamples. It is enumerated in closed form
 * (Maritz & Jarrett, "A Note on Estimating the Variance of the Sample Median", JASA 73, 1978; the "ideal bootstrap" of Efron &
 * Tibshirani 1993, chapter 6), so no random number is drawn.
 *
 * @param sorted at least two samples in ascending order
 * @param tail probability below the lower quantile, and above the upper one
 */
export function bootstrapMedianQuantiles(sorted: readonly number[], tail: number): { low: number; high: number } {
  const atoms = sorted.length % 2 === 1 ? oddAtoms(sorted) : evenAtoms(sorted);
  return { low: valueAtTail(atoms, tail), high: valueAtTail(atoms.toReversed(), tail) };
}

/** First value at which the probability of all up to it reaches the tail. */
function valueAtTail(atoms: readonly Atom[], tail: number): number {
  let reached = 0;
  for (const { value, probability } of atoms) {
    reached += probability;
    if (reached >= tail) return value;
  }
  return atoms[atoms.length - 1].value;
}

/** The median of 2m + 1 draws is at most the i-th sample when more than m draws are. */
function oddAtoms(sorted: readonly number[]): Atom[] {
  const n = sorted.length;
  const atMost = (i: number) => binomialTail(n, i / n, (n + 1) / 2);
  return sorted.map((value, i) => ({ value, probability: atMost(i + 1) - atMost(i) }));
}

/**
 * The median of 2m draws is the mean of the m-th and the next. These are the i-th and j-th samples, i < j, when m draws have
 * their largest at i and the m others their smallest at j; what is left of the m-th draw's chance to be i has both at i.
 */
function evenAtoms(sorted: readonly number[]): Atom[] {
  const n = sorted.length;
  const m = n / 2;
  const waysToSplit = Math.exp(logFactorial(n) - 2 * logFactorial(m));
  const atoms: Atom[] = [];
  for (let i = 1; i <= n; i++) {
    let bothHere = binomialTail(n, i / n, m) - binomialTail(n, (i - 1) / n, m);
    const largestAtI = (i / n) ** m - ((i - 1) / n) ** m;
    for (let j = i + 1; j <= n; j++) {
      const smallestAtJ = ((n - j + 1) / n) ** m - ((n - j) / n) ** m;
      const probability = waysToSplit * largestAtI * smallestAtJ;
      bothHere -= probability;
      atoms.push({ value: (sorted[i - 1] + sorted[j - 1]) / 2, probability });
    }
    atoms.push({ value: sorted[i - 1], probability: Math.max(0, bothHere) });
  }
  return atoms.sort((a, b) => a.value - b.value);
}

/** Probability of at least `least` successes in `n` trials. */
function binomialTail(n: number, p: number, least: number): number {
  if (p <= 0) return 0;
  if (p >= 1) return 1;
  let tail = 0;
  for (let k = least; k <= n; k++) {
    const logWays = logFactorial(n) - logFactorial(k) - logFactorial(n - k);
    tail += Math.exp(logWays + k * Math.log(p) + (n - k) * Math.log1p(-p));
  }
  return Math.min(1, tail);
}

function logFactorial(n: number): number {
  return gammaln(n + 1);
}
