import { execFileSync, spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import expected from './python-random.expected.json' with { type: 'json' };
import { PythonRandom } from './python-random.ts';

const hasPython = spawnSync('python3', ['--version']).status === 0;
const seeds = fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n });

describe.each(expected)('after random.seed($seed)', (draws) => {
  it('draws what Python printed, from one kind of draw to the next', () => {
    const random = new PythonRandom(BigInt(draws.seed));
    const order = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    random.shuffle(order);
    expect(order).toEqual(draws.shuffled);
    expect(draws.random.map(() => random.random())).toEqual(draws.random);
    expect(draws.gauss.map(() => random.gauss(0, 0.08))).toEqual(draws.gauss);
    expect(draws.choices.map(() => random.choices([0.1, 0.2, 0, 0.65, 0.05]))).toEqual(draws.choices);
    const below = [1, 2, 3, 27, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1].map((n) => random.randbelow(n));
    expect(below).toEqual(draws.randbelow);
    expect(draws.getrandbits.map((_, i) => random.getrandbits(i + 1))).toEqual(draws.getrandbits);
    expect(random.gauss(1.5, 2)).toBe(draws.laterGauss);
    for (let i = 1; i < 1000; i++) random.random();
    expect(random.random()).toBe(draws.random1000thLater);
  });
});

describe('PythonRandom', () => {
  it('ignores the sign of a seed, and takes a number as it takes a bigint', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (seed) => {
        expect(new PythonRandom(seed).random()).toBe(new PythonRandom(-BigInt(seed)).random());
      }),
    );
  });

  it('shuffles to a permutation of the same items', () => {
    fc.assert(
      fc.property(seeds, fc.array(fc.integer()), (seed, items) => {
        const shuffled = [...items];
        new PythonRandom(seed).shuffle(shuffled);
        expect(shuffled.toSorted()).toEqual(items.toSorted());
      }),
    );
  });

  it('draws integers below n, whatever n', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (seed, n) => {
        const drawn = new PythonRandom(seed).randbelow(n);
        expect(Number.isSafeInteger(drawn) && drawn >= 0 && drawn < n).toBe(true);
      }),
    );
  });

  it('never chooses what has no weight', () => {
    const random = new PythonRandom(3);
    const chosen = Array.from({ length: 1000 }, () => random.choices([0, 1, 0, 2, 0]));
    expect(new Set(chosen)).toEqual(new Set([1, 3]));
  });

  it('continues a clone as it continues itself, and leaves the one alone while the other draws', () => {
    const random = new PythonRandom(5);
    random.gauss(0, 1); // a second number is in store
    const clone = random.clone();
    const fromClone = Array.from({ length: 700 }, () => clone.gauss(0, 1));
    expect(Array.from({ length: 700 }, () => random.gauss(0, 1))).toEqual(fromClone);
  });

  it.each([0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY])('refuses the seed %s', (seed) => {
    expect(() => new PythonRandom(seed)).toThrow(RangeError);
  });

  it('refuses to draw from nothing', () => {
    const random = new PythonRandom(0);
    expect(() => random.randbelow(0)).toThrow(RangeError);
    expect(() => random.getrandbits(54)).toThrow(RangeError);
    expect(() => random.choices([0, 0])).toThrow(RangeError);
    expect(() => random.choices([Number.NaN])).toThrow(RangeError);
  });

  it.skipIf(!hasPython)(`agrees with python3 for any seed${hasPython ? '' : ' (skipped: python3 not found)'}`, () => {
    const sample = fc.sample(seeds, 40).map(String);
    const script = `
import json, random, sys
def draws(seed):
    random.seed(seed)
    items = list(range(50)); random.shuffle(items)
    return [items, [random.random() for _ in range(50)], [random.gauss(0, 0.08) for _ in range(1001)], random.getrandbits(53)]
print(json.dumps([draws(int(seed)) for seed in json.load(sys.stdin)]))`;
    const printed: [number[], number[], number[], number][] = JSON.parse(
      execFileSync('python3', ['-c', script], { input: JSON.stringify(sample), encoding: 'utf8', maxBuffer: 2 ** 26 }),
    );

    let gaussInLastBit = 0;
    for (const [i, [items, uniform, gauss, bits]] of printed.entries()) {
      const random = new PythonRandom(BigInt(sample[i]));
      const shuffled = Array.from({ length: 50 }, (_, j) => j);
      random.shuffle(shuffled);
      expect(shuffled).toEqual(items);
      expect(uniform.map(() => random.random())).toEqual(uniform);
      for (const theirs of gauss) {
        const ours = random.gauss(0, 0.08);
        // Python's log, sin and cos are the C library's, which misses the nearest double about once in a thousand.
        if (ours !== theirs) gaussInLastBit++;
        expect(Math.abs(ours - theirs)).toBeLessThanOrEqual(4 * Number.EPSILON * Math.abs(theirs));
      }
      expect(random.getrandbits(53)).toBe(bits);
    }
    expect(gaussInLastBit / (1001 * sample.length)).toBeLessThan(0.01);
  });
});
