import { cos, log, sin } from './rounded-functions.ts';

const STATE_WORDS = 624;
const SHIFT = 397;

/**
 * The Mersenne Twister of Python's `random` module, draw for draw.
 *
 * Generator and seeding: Matsumoto and Nishimura, "Mersenne Twister", ACM TOMACS 8 (1998), and their `init_by_array` of 2002.
 * What is drawn, and in which order, follows CPython's `Lib/random.py` (3.9 to 3.14).
 */
export class PythonRandom {
  readonly #state = new Uint32Array(STATE_WORDS);
  #next = STATE_WORDS;
  /** `gauss` makes two numbers at a time and keeps the second one here. */
  #secondGauss: number | undefined;

  /** As `random.seed(seed)`: an integer of any size, whose sign is ignored. */
  constructor(seed: number | bigint) {
    if (typeof seed === 'number' && !Number.isSafeInteger(seed)) {
      throw new RangeError(`A seed is an integer, and ${seed} is not one that a number can hold exactly.`);
    }
    this.#seedByArray(wordsOf(seed));
  }

  /** A generator in the same state, which draws by itself. */
  clone(): PythonRandom {
    const copy = new PythonRandom(0);
    copy.#state.set(this.#state);
    copy.#next = this.#next;
    copy.#secondGauss = this.#secondGauss;
    return copy;
  }

  /** Uniform in [0, 1), with 53 random bits. */
  random(): number {
    const high = this.#word() >>> 5;
    const low = this.#word() >>> 6;
    return (high * 0x4000000 + low) / 0x20000000000000;
  }

  /** Normal distribution, by the Box-Muller transform. */
  gauss(mu: number, sigma: number): number {
    let z = this.#secondGauss;
    this.#secondGauss = undefined;
    if (z === undefined) {
      const angle = this.random() * 2 * Math.PI;
      const radius = Math.sqrt(-2 * log(1 - this.random()));
      z = cos(angle) * radius;
      this.#secondGauss = sin(angle) * radius;
    }
    return mu + z * sigma;
  }

  /** An integer of `bits` random bits, 1 to 53. */
  getrandbits(bits: number): number {
    if (!Number.isInteger(bits) || bits < 1 || bits > 53) throw new RangeError(`bits must be 1 to 53, not ${bits}`);
    if (bits <= 32) return this.#word() >>> (32 - bits);
    const low = this.#word();
    return (this.#word() >>> (64 - bits)) * 2 ** 32 + low;
  }

  /** Uniform in 0 … n - 1, by drawing again until the number is small enough. */
  randbelow(n: number): number {
    if (!Number.isSafeInteger(n) || n < 1) throw new RangeError(`n must be a positive integer, not ${n}`);
    const bits = bitLength(n);
    let drawn = this.getrandbits(bits);
    while (drawn >= n) drawn = this.getrandbits(bits);
    return drawn;
  }

  shuffle<T>(items: T[]): void {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.randbelow(i + 1);
      [items[i], items[j]] = [items[j], items[i]];
    }
  }

  /** `random.choices(range(len(weights)), weights)[0]`: an index with a chance in proportion to its weight. */
  choices(weights: readonly number[] | Float64Array): number {
    const cumulative = new Float64Array(weights.length);
    let total = 0;
    for (let i = 0; i < weights.length; i++) {
      total += weights[i];
      cumulative[i] = total;
    }
    if (!(total > 0 && Number.isFinite(total)))
      throw new RangeError(`The sum of the weights must be positive, not ${total}`);
    const target = this.random() * total;
    let low = 0;
    let high = weights.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (target < cumulative[middle]) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #seedByArray(key: readonly number[]): void {
    const mt = this.#state;
    mt[0] = 19650218;
    for (let i = 1; i < STATE_WORDS; i++) mt[i] = Math.imul(1812433253, mt[i - 1] ^ (mt[i - 1] >>> 30)) + i;

    let i = 1;
    const advance = () => {
      if (++i === STATE_WORDS) {
        mt[0] = mt[STATE_WORDS - 1];
        i = 1;
      }
    };
    for (let k = 0; k < Math.max(STATE_WORDS, key.length); k++) {
      const j = k % key.length;
      mt[i] = (mt[i] ^ Math.imul(mt[i - 1] ^ (mt[i - 1] >>> 30), 1664525)) + key[j] + j;
      advance();
    }
    for (let k = 1; k < STATE_WORDS; k++) {
      mt[i] = (mt[i] ^ Math.imul(mt[i - 1] ^ (mt[i - 1] >>> 30), 1566083941)) - i;
      advance();
    }
    mt[0] = 0x80000000;
  }

  /** 32 random bits. */
  #word(): number {
    if (this.#next === STATE_WORDS) this.#refill();
    let y = this.#state[this.#next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  #refill(): void {
    const mt = this.#state;
    for (let i = 0; i < STATE_WORDS; i++) {
      const y = (mt[i] & 0x80000000) | (mt[(i + 1) % STATE_WORDS] & 0x7fffffff);
      mt[i] = mt[(i + SHIFT) % STATE_WORDS] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#next = 0;
  }
}

/** The absolute value in words of 32 bits, lowest first. */
function wordsOf(seed: number | bigint): number[] {
  let rest = BigInt(seed);
  if (rest < 0n) rest = -rest;
  const words: number[] = [];
  do {
    words.push(Number(rest & 0xffffffffn));
    rest >>= 32n;
  } while (rest > 0n);
  return words;
}

function bitLength(n: number): number {
  return n < 2 ** 32 ? 32 - Math.clz32(n) : 64 - Math.clz32(Math.floor(n / 2 ** 32));
}
