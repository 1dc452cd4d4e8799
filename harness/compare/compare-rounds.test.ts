import { expect, test } from 'vitest';
import { PythonRandom } from '../task/python-random.ts';
import { compareRounds, evidenceFrom, type RoundSource, summarizeTurns } from './compare-rounds.ts';
import type { Verdict } from './verdict.ts';

const SECOND = 1e9;
const limits = { threshold: 0.05, budgetNanoseconds: 50 * SECOND };

interface Machine {
  /** Head's true time over base's. */
  readonly slowdown: number;
  /** Standard deviation of a process's speed, as a fraction: where its memory lies, how its code was compiled. */
  readonly processNoise: number;
  /** A turn is disturbed this often, and then takes up to three times as long. */
  readonly disturbances: number;
  readonly roundSeconds?: number;
}

/** A simulated machine with a clock of its own: nothing is run and nothing waits. */
function simulated(machine: Machine, seed: number): RoundSource & { rounds: number } {
  const random = new PythonRandom(seed);
  let now = 0;
  const source = {
    rounds: 0,
    nowNanoseconds: () => now,
    runRound: async () => {
      source.rounds++;
      now += (machine.roundSeconds ?? 1.5) * SECOND;
      const [base, head, control] = [1, machine.slowdown, 1].map(
        (time) => time * Math.exp(random.gauss(0, machine.processNoise)),
      );
      const lap = (time: number) => {
        const disturbed = random.random() < machine.disturbances ? 1 + 2 * random.random() : 1;
        return 1e6 * time * Math.exp(random.gauss(0, 0.03)) * disturbed;
      };
      return summarizeTurns(
        Array.from({ length: 10 }, () => ({ base: lap(base), head: lap(head), control: lap(control) })),
      );
    },
  };
  return source;
}

async function verdicts(machine: Machine, runs: number): Promise<Partial<Record<Verdict, number>>> {
  const counts: Partial<Record<Verdict, number>> = {};
  for (let seed = 0; seed < runs; seed++) {
    const { verdict } = await compareRounds(simulated(machine, seed), limits);
    counts[verdict] = (counts[verdict] ?? 0) + 1;
  }
  return counts;
}

const calm = { processNoise: 0.02, disturbances: 0.02 };
const loaded = { processNoise: 0.06, disturbances: 0.3 };

test('a revision never regresses against itself, on a calm machine or a loaded one', async () => {
  expect((await verdicts({ ...calm, slowdown: 1 }, 40)).regression ?? 0).toBe(0);
  expect((await verdicts({ ...loaded, slowdown: 1 }, 40)).regression ?? 0).toBe(0);
});

test('a slowdown of 10% is found at least 9 times in 10, one of 20% always', async () => {
  expect((await verdicts({ ...calm, slowdown: 1.1 }, 40)).regression ?? 0).toBeGreaterThanOrEqual(36);
  expect((await verdicts({ ...calm, slowdown: 1.2 }, 40)).regression ?? 0).toBe(40);
});

test('a slowdown below the threshold does not fail', async () => {
  expect((await verdicts({ ...calm, slowdown: 1.03 }, 40)).regression ?? 0).toBe(0);
});

test('a gain of 20% is an improvement', async () => {
  expect((await verdicts({ ...calm, slowdown: 0.8 }, 10)).improvement).toBe(10);
});

test('a quiet machine stops at the fewest rounds, a noisy one when a third of the budget is gone', async () => {
  const quiet = simulated({ slowdown: 1, processNoise: 0.002, disturbances: 0 }, 1);
  await compareRounds(quiet, limits);
  expect(quiet.rounds).toBe(8);
  const noisy = simulated({ slowdown: 1, processNoise: 0.3, disturbances: 0 }, 1);
  await compareRounds(noisy, limits);
  expect(noisy.rounds).toBe(12);
});

test('confirming takes twice the rounds, and they are fresh ones', async () => {
  const source = simulated({ slowdown: 1.3, processNoise: 0.002, disturbances: 0 }, 1);
  const compared = await compareRounds(source, limits);
  expect(compared.first.rounds).toBe(8);
  expect(compared.confirmation?.rounds).toBe(16);
  expect(source.rounds).toBe(24);
  expect(compared.times.headNanoseconds / compared.times.baseNanoseconds).toBeCloseTo(1.3, 1);
});

test('rounds that outlast the budget stop at three', async () => {
  const source = simulated({ slowdown: 1, processNoise: 0.002, disturbances: 0, roundSeconds: 100 }, 1);
  await compareRounds(source, limits);
  expect(source.rounds).toBe(3);
});

test('progress tells every round, and whether it confirms', async () => {
  const seen: boolean[] = [];
  const source = simulated({ slowdown: 1.3, processNoise: 0.002, disturbances: 0 }, 1);
  await compareRounds(source, { ...limits, onRound: ({ confirming }) => seen.push(confirming) });
  expect(seen.filter((confirming) => !confirming)).toHaveLength(8);
  expect(seen.filter((confirming) => confirming)).toHaveLength(16);
});

test('head is set against both base processes', () => {
  const round = summarizeTurns([{ base: 100, head: 110, control: 121 }]);
  expect(round.ratio).toBeCloseTo(1, 12);
  expect(round.control).toBeCloseTo(1.21, 12);
  expect(round.baseNanoseconds).toBeCloseTo(110, 9);
  expect(round.headNanoseconds).toBe(110);
});

test('a drift that all processes of a turn meet cancels', () => {
  const turns = [1, 1.5, 3, 2].map((drift) => ({ base: 100 * drift, head: 110 * drift, control: 100 * drift }));
  expect(summarizeTurns(turns).ratio).toBeCloseTo(1.1, 12);
});

test('one disturbed turn does not move a round', () => {
  const quiet = { base: 100, head: 110, control: 100 };
  expect(summarizeTurns([quiet, quiet, { ...quiet, head: 5000 }, quiet]).ratio).toBeCloseTo(1.1, 12);
});

test('a round without turns is refused', () => {
  expect(() => summarizeTurns([])).toThrow(RangeError);
});

test('evidence is over rounds', () => {
  const rounds = [1.09, 1.1, 1.11].map((ratio) => ({ ratio, control: 1, baseNanoseconds: 1, headNanoseconds: 1 }));
  const evidence = evidenceFrom(rounds);
  expect(evidence.rounds).toBe(3);
  expect(evidence.ratio.median).toBe(1.1);
  expect(evidence.control).toEqual({ median: 1, low: 1, high: 1 });
});
