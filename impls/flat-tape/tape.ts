/** Index of an entry on the tape. A vector is the index of its first entry: its entries lie side by side. */
export type Entry = number;

/** An exponential below e^-230 counts as zero: its products with gradients would be subnormal, which is slow. */
const LOWEST_EXPONENT = -230;

/**
 * A Wengert tape: the entries of a computation, in the order in which it ran. Every entry is
 * `y = f(Σ left·right)` over pairs of earlier entries; f is the identity, exp, log, relu or a power.
 * A plain sum is a sum of products with {@link ONE}. A leaf has no pairs.
 *
 * The order of the tape is topological, so the backward pass is a loop and not a search.
 */
export class Tape {
  /** A constant entry. */
  static readonly ONE: Entry = 0;

  /** `[entries]`: values, derivatives of the loss, and derivatives f' at the sum. */
  #data = new Float64Array(1024);
  #grad = new Float64Array(1024);
  #slope = new Float64Array(1024);
  /** Entry i owns pairs `#firstPair[i] … #firstPair[i + 1] - 1`. */
  #firstPair = new Int32Array(1025);
  #left = new Int32Array(4096);
  #right = new Int32Array(4096);
  #length = 0;
  /** Entries before this one are leaves: the backward pass ends there. */
  #leaves = 0;
  #pairs = 0;
  /** Sum of the pairs added since the last entry. */
  #sum = 0;

  constructor() {
    this.leaf(1);
  }

  get length(): number {
    return this.#length;
  }

  /** Removes every entry from `length` on. All entries before it must be leaves. */
  truncate(length: number): void {
    this.#length = length;
    this.#leaves = length;
    this.#pairs = 0;
  }

  /** Values of all leaves and entries, valid until the tape grows. */
  get data(): Float64Array {
    return this.#data;
  }

  get grad(): Float64Array {
    return this.#grad;
  }

  leaf(value: number): Entry {
    return this.#record(value, 0);
  }

  /** Adds the pair `left · right` to the next entry. */
  pair(left: Entry, right: Entry): void {
    if (this.#pairs === this.#left.length) this.#growPairs();
    this.#left[this.#pairs] = left;
    this.#right[this.#pairs] = right;
    this.#pairs++;
    this.#sum += this.#data[left] * this.#data[right];
  }

  /** Adds the pairs `left[0]·right[0] + … + left[count - 1]·right[count - 1]` of two vectors. */
  pairs(left: Entry, right: Entry, count: number): void {
    while (this.#pairs + count > this.#left.length) this.#growPairs();
    const lefts = this.#left;
    const rights = this.#right;
    const data = this.#data;
    const start = this.#pairs;
    let sum = this.#sum;
    for (let i = 0; i < count; i++) {
      lefts[start + i] = left + i;
      rights[start + i] = right + i;
      sum += data[left + i] * data[right + i];
    }
    this.#sum = sum;
    this.#pairs = start + count;
  }

  /** Records the sum of the pairs added since the last entry. */
  sum(): Entry {
    return this.#record(this.#takeSum(), 1);
  }

  exp(): Entry {
    const exponent = this.#takeSum();
    const value = exponent < LOWEST_EXPONENT ? 0 : Math.exp(exponent);
    return this.#record(value, value);
  }

  log(): Entry {
    const sum = this.#takeSum();
    return this.#record(Math.log(sum), 1 / sum);
  }

  relu(): Entry {
    const sum = this.#takeSum();
    return sum > 0 ? this.#record(sum, 1) : this.#record(0, 0);
  }

  power(exponent: number): Entry {
    const sum = this.#takeSum();
    return this.#record(sum ** exponent, exponent * sum ** (exponent - 1));
  }

  /** Sets the `grad` of every entry to the derivative of `root`, the last entry, by it. */
  backward(root: Entry): void {
    const data = this.#data;
    const grad = this.#grad;
    const lefts = this.#left;
    const rights = this.#right;
    const slopes = this.#slope;
    const firstPair = this.#firstPair;
    grad.fill(0, 0, root);
    grad[root] = 1;
    for (let entry = root; entry >= this.#leaves; entry--) {
      const slope = grad[entry] * slopes[entry];
      // Half of all relus have a derivative of 0.
      if (slope === 0) continue;
      const end = firstPair[entry + 1];
      for (let pair = firstPair[entry]; pair < end; pair++) {
        const left = lefts[pair];
        const right = rights[pair];
        grad[left] += data[right] * slope;
        grad[right] += data[left] * slope;
      }
    }
  }

  /** Returns the sum of the pairs added since the last entry, and sets it to 0. */
  #takeSum(): number {
    const sum = this.#sum;
    this.#sum = 0;
    return sum;
  }

  #record(value: number, slope: number): Entry {
    const entry = this.#length++;
    if (entry === this.#data.length) this.#growEntries();
    this.#data[entry] = value;
    this.#slope[entry] = slope;
    this.#firstPair[entry + 1] = this.#pairs;
    return entry;
  }

  #growEntries(): void {
    const size = 2 * this.#data.length;
    this.#data = enlarged(this.#data, new Float64Array(size));
    this.#grad = enlarged(this.#grad, new Float64Array(size));
    this.#slope = enlarged(this.#slope, new Float64Array(size));
    this.#firstPair = enlarged(this.#firstPair, new Int32Array(size + 1));
  }

  #growPairs(): void {
    const size = 2 * this.#left.length;
    this.#left = enlarged(this.#left, new Int32Array(size));
    this.#right = enlarged(this.#right, new Int32Array(size));
  }
}

function enlarged<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
