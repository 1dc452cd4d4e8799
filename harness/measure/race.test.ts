import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { TrainingTask } from '../../impls/contract.ts';
import { ImplementationFailure } from '../program/implementation-failure.ts';
import { verifiedRowSchema } from '../results/schema.ts';
import { FEWEST_ROUNDS } from '../statistics/stopping.ts';
import { FakeClock, fakeContender } from '../testing/fake-trainer.ts';
import type { TimedLap } from '../verify/timed-laps.ts';
import { type Contender, type Witness, WrongLaps } from './contender.ts';
import type { Entry } from './entry.ts';
import { fullPace } from './pace.ts';
import { type RaceOptions, race } from './race.ts';
import { rowOf } from './row.ts';
import { TimeBudget } from './time-budget.ts';

const task: TrainingTask = {
  model: { nEmbd: 16, nHead: 4, nLayer: 1, blockSize: 16, vocabSize: 27 },
  tokens: new Int32Array(8 * 4000),
  offsets: Int32Array.from({ length: 4001 }, (_, document) => 8 * document),
  parameters: new Float64Array(4192),
  batch: 1,
  numSteps: 1000,
  learningRate: 0.01,
};

const milliseconds = 1e6;

function options(clock: FakeClock, overrides: Partial<RaceOptions> = {}): RaceOptions {
  return {
    task,
    forcedStepMilliseconds: 1,
    pace: fullPace,
    limit: { rounds: 3 },
    seed: 1,
    signal: new AbortController().signal,
    now: clock.now,
    ...overrides,
  };
}

function fixture() {
  const clock = new FakeClock();
  const python = fakeContender({
    name: 'slow',
    roles: ['python-baseline'],
    nanosecondsPerStep: () => 250 * milliseconds,
    clock,
  });
  const scalar = fakeContender({
    name: 'scalar',
    roles: ['scalar-baseline'],
    nanosecondsPerStep: () => 6 * milliseconds,
    clock,
  });
  const fast = fakeContender({ name: 'fast', nanosecondsPerStep: () => 0.01 * milliseconds, clock });
  return { clock, python, scalar, fast, all: [python, scalar, fast] };
}

/** The row, whose laps are checked no sooner than that. */
function checkedOnce(row: Contender, isDue: () => boolean): Contender {
  const witness = (signal: AbortSignal): Witness => ({
    check: async (laps, forced) => {
      while (!isDue()) await setImmediate();
      return row.witness(signal).check(laps, forced);
    },
    quit: async () => {},
  });
  return { ...row, witness };
}

/** What became of the rows. */
async function outcome(contenders: readonly Contender[], raceOptions: RaceOptions): Promise<readonly Entry[]> {
  const start = contenders.map((contender) => ({ status: 'waiting' as const, contender }));
  return (await race(start, raceOptions)).entries;
}

function rows(entries: readonly Entry[]) {
  return entries.map((entry) => rowOf(entry, entries, [{ row: 'slow' }, { row: 'scalar' }], task));
}

function verified(entries: readonly Entry[], index: number) {
  return verifiedRowSchema.parse(rows(entries)[index]);
}

describe('a race', () => {
  it('takes every contender once a round, each in a fresh process, and leaves none behind', async () => {
    const { clock, all } = fixture();
    const entries = await outcome(all, options(clock, { limit: { rounds: 4 } }));
    for (const contender of all) {
      expect(contender.starts()).toBe(1 + 4);
      expect(contender.alive()).toBe(0);
    }
    expect(rows(entries).map((row) => row?.status)).toEqual(['verified', 'verified', 'verified']);
    expect(verified(entries, 2).roundsMicrosecondsPerSample).toHaveLength(4);
  });

  it('runs the rounds in an order that changes, and is the same for the same seed', async () => {
    const ordersOf = async (seed: number) => {
      const { clock, all } = fixture();
      const orders: string[] = [];
      await outcome(
        all,
        options(clock, {
          seed,
          limit: { rounds: 6 },
          onEvent: (event) => {
            if (event.kind === 'sampling') orders[event.round] = `${orders[event.round] ?? ''}${event.entry}`;
          },
        }),
      );
      return orders;
    };
    const first = await ordersOf(1);
    expect(new Set(first).size).toBeGreaterThan(1);
    for (const order of first) expect([...order].sort().join('')).toBe('012');
    expect(await ordersOf(1)).toEqual(first);
    expect(await ordersOf(2)).not.toEqual(first);
  });

  it('starts all processes of a round before it times one, first that of the row that took longest so far', async () => {
    const { clock, python, scalar, fast } = fixture();
    const all = [fast, scalar, python];
    const rounds: string[] = [];
    const alive: number[] = [];
    await outcome(
      all,
      options(clock, {
        limit: { rounds: 6 },
        onEvent: (event) => {
          if (event.kind === 'starting') rounds[event.round] = `${rounds[event.round] ?? ''}${event.entry}`;
          if (event.kind === 'sampling') {
            rounds[event.round] += ' timed';
            alive.push(all.reduce((sum, contender) => sum + contender.alive(), 0));
          }
        },
      }),
    );
    for (const round of rounds) expect(round).toMatch(/^[012]{3} timed timed timed$/);
    for (const round of rounds.slice(1)) expect(round[0]).toBe('2');
    expect(alive).toEqual(rounds.flatMap(() => [3, 2, 1]));
  });

  it('starts the next round while the last one is checked', async () => {
    const { clock, all } = fixture();
    const kinds: string[] = [];
    await outcome(all, options(clock, { onEvent: ({ kind }) => void kinds.push(kind) }));
    // Neither all checks first, nor all starts.
    const inTurn = /sampling checking.* starting.* checking|sampling starting.* checking.* starting/;
    expect(kinds.join(' ').split(/ ?round ?/)).toEqual([
      expect.stringMatching(inTurn),
      expect.stringMatching(inTurn),
      expect.not.stringContaining('starting'),
      '',
    ]);
  });

  it('leaves no process waiting of a row that the check refused', async () => {
    const { clock, python, fast } = fixture();
    const wrong = fakeContender({
      name: 'wrong',
      nanosecondsPerStep: () => milliseconds,
      clock,
      failure: { start: 1, kind: 'wrong' },
    });
    const checked = checkedOnce(wrong, () => wrong.starts() === 3);
    const alive: number[] = [];
    await outcome(
      [python, checked, fast],
      options(clock, {
        onEvent: (event) => {
          if (event.kind === 'sampling' && event.round === 1) alive.push(wrong.alive());
        },
      }),
    );
    expect(alive).toEqual([0, 0]);
  });

  it('refuses a row whose next process breaks while the last one is found right', async () => {
    const { clock, python, fast } = fixture();
    const broken = fakeContender({
      name: 'broken',
      nanosecondsPerStep: () => milliseconds,
      clock,
      failure: { start: 2, kind: 'crash' },
    });
    const checked = checkedOnce(broken, () => broken.starts() === 3 && broken.alive() === 0);
    const entries = await outcome([python, checked, fast], options(clock));
    expect(rows(entries).map((row) => row?.status)).toEqual(['verified', 'error', 'verified']);
  });

  it('counts in the start of a process what it worked, not what it waited for a processor', async () => {
    const clock = new FakeClock();
    const contender = fakeContender({ name: 'a', nanosecondsPerStep: () => milliseconds, clock });
    const start = async (signal: AbortSignal) => ({
      ...(await contender.start(signal)),
      startupNanoseconds: 50e6,
      schedulerTimes: () => ({ running: 6e6, mainRunning: 5e6, waiting: 40e6 }),
    });
    const entries = await outcome([{ ...contender, start }], options(clock));
    expect(Math.round(verified(entries, 0).startupMilliseconds)).toBe(11);
  });

  it('reports microseconds per sample, and speedups round by round', async () => {
    const { clock, all } = fixture();
    const entries = await outcome(all, options(clock));
    const fast = verified(entries, 2);
    expect(fast.microsecondsPerSample.median).toBeCloseTo(10, 6);
    expect(fast.speedup['slow']?.median).toBeCloseTo(25_000, 3);
    expect(fast.speedup['scalar']?.median).toBeCloseTo(600, 6);
    // As many steps as the float64 model checks in its time, but the first.
    expect(fast.samplesPerLap).toBe(fullPace.forcedLapMilliseconds);
    // As many as fit into the time of a slow lap.
    expect(verified(entries, 0).samplesPerLap).toBe(10);
    expect(verified(entries, 0).speedup['scalar']?.median).toBeCloseTo(6 / 250, 9);
  });

  it('starts the n-th lap of all rows of a round at the same document, and no two laps at the same one', async () => {
    const { clock, all } = fixture();
    const begun = new Map<string, number[]>();
    const watched = all.map((contender) => ({
      ...contender,
      witness: () => ({
        check: async (laps: readonly TimedLap[]) => {
          const { implementation } = contender.identity;
          begun.set(implementation, [...(begun.get(implementation) ?? []), ...laps.map((lap) => lap.firstDocument)]);
          return contender.witness(new AbortController().signal).check(laps, { wholeLap: true, extraSteps: 0 });
        },
        quit: async () => {},
      }),
    }));
    const start = watched.map((contender) => ({ status: 'waiting' as const, contender }));
    const { firstDocuments } = await race(start, options(clock));
    expect(new Set(firstDocuments.flat()).size).toBe(firstDocuments.flat().length);
    expect(begun.get('fast')).toEqual(firstDocuments.flat());
    expect(begun.get('slow')).toEqual(firstDocuments.map(([first]) => first));
  });

  it('repeats the laps of another run', async () => {
    const { clock, fast } = fixture();
    const start = [{ status: 'waiting' as const, contender: fast }];
    const repeated = { firstDocuments: [[7, 9], [1]], lapSteps: new Map([['fast', 33]]) };
    const { entries, firstDocuments } = await race(start, options(clock, { repeated }));
    expect(firstDocuments[0].slice(0, 2)).toEqual([7, 9]);
    expect(firstDocuments[1][0]).toBe(1);
    expect(verified(entries, 0).samplesPerLap).toBe(32);
  });

  it.each([
    ['a clock that counts too little', { clockFactor: () => 0.01 }, /^its clock says 10 µs a step, ours 1 ms a step$/],
    ['a clock that counts too much', { clockFactor: () => 3 }, /^its clock says 3 ms a step, ours 1 ms a step$/],
    ['work in reset', { resetNanoseconds: 80e6 }, /^`reset` took 80 ms, .* work was moved to where it is not timed$/],
  ])('refuses a row with %s', async (_, fault, reason) => {
    const clock = new FakeClock();
    const cheat = fakeContender({ name: 'cheat', nanosecondsPerStep: () => milliseconds, clock, ...fault });
    const entries = await outcome([cheat], options(clock));
    expect(rows(entries)[0]).toMatchObject({ status: 'mismatch', reason: expect.stringMatching(reason) });
  });

  it.each([
    { untrue: [1], rounds: 3, status: 'racing' },
    { untrue: [1, 2], rounds: 3, status: 'mismatch' },
    { untrue: [1], rounds: 1, status: 'mismatch' },
  ])('judges times by all processes of a row, and shows none before: $untrue untrue of $rounds', async (tried) => {
    const clock = new FakeClock();
    const clockFactor = (_: number, start: number) => (tried.untrue.includes(start) ? 0.01 : 1);
    const row = fakeContender({ name: 'row', nanosecondsPerStep: () => milliseconds, clock, clockFactor });
    const shown: string[] = [];
    const limit = { rounds: tried.rounds };
    const onEvent: RaceOptions['onEvent'] = ({ kind }, entries) => {
      if (kind === 'round') shown.push(entries[0].status);
    };
    const [entry] = await outcome([row], options(clock, { limit, onEvent }));
    expect(shown[0]).toBe('waiting');
    expect(entry.status).toBe(tried.status);
  });

  it('leaves a row out of an interrupted run if what there is speaks against its times: it may be resumed', async () => {
    const clock = new FakeClock();
    const clockFactor = (_: number, start: number) => (start === 1 ? 0.01 : 1);
    const row = fakeContender({ name: 'row', nanosecondsPerStep: () => milliseconds, clock, clockFactor });
    const controller = new AbortController();
    const onEvent: RaceOptions['onEvent'] = ({ kind }) => {
      if (kind === 'round') controller.abort();
    };
    const entries = await outcome([row], options(clock, { signal: controller.signal, onEvent }));
    expect(rows(entries)).toEqual([undefined]);
  });

  it('lengthens laps that were chosen for a slower row, at other documents, and leaves short ones out', async () => {
    const clock = new FakeClock();
    const row = fakeContender({
      name: 'row',
      nanosecondsPerStep: (start) => (start === 0 ? 200 : 1) * milliseconds,
      clock,
    });
    const begun: number[] = [];
    const witness = (signal: AbortSignal): Witness => ({
      check: async (laps, forced) => {
        begun.push(...laps.map(({ firstDocument }) => firstDocument));
        return row.witness(signal).check(laps, forced);
      },
      quit: async () => {},
    });
    const start = [{ status: 'waiting' as const, contender: { ...row, witness } }];
    const { entries, firstDocuments } = await race(start, options(clock));
    const { samplesPerLap, roundsMicrosecondsPerSample } = verified(entries, 0);
    expect(samplesPerLap).toBeGreaterThan(90);
    expect(roundsMicrosecondsPerSample).toHaveLength(3);
    expect(firstDocuments[0].length).toBeGreaterThan(begun.indexOf(firstDocuments[1][0]));
    expect(begun[0]).not.toBe(firstDocuments[0][0]);
  });

  it('keeps what was wrong wrong, whatever breaks after it', async () => {
    const clock = new FakeClock();
    const row = fakeContender({ name: 'row', nanosecondsPerStep: () => milliseconds, clock });
    let isRefused = false;
    const contender: Contender = {
      ...row,
      start: async (signal) => {
        if (row.starts() < 2) return row.start(signal);
        while (!isRefused) await setImmediate();
        throw new ImplementationFailure('row', 'exited with code 1', 'see its standard error');
      },
      witness: () => ({
        check: async () => {
          isRefused = true;
          throw new WrongLaps('wrong');
        },
        quit: async () => {},
      }),
    };
    expect(await outcome([contender], options(clock))).toMatchObject([{ status: 'mismatch', reason: 'wrong' }]);
  });

  it('keeps the rounds of a row whose time is over, times it no more, and ends when none is left', async () => {
    const clock = new FakeClock();
    const row = fakeContender({ name: 'row', nanosecondsPerStep: () => milliseconds, clock });
    const start = async (signal: AbortSignal) => {
      if (row.starts() === 3) await once(signal, 'abort');
      return row.start(signal);
    };
    const { signal } = new AbortController();
    using budget = new TimeBudget({ rounds: 1 }, signal);
    const pace = { ...fullPace, warmUpMilliseconds: 50, samplingMilliseconds: 10 };
    const { entries, firstDocuments } = await race(
      [{ status: 'waiting', contender: { ...row, start } }],
      options(clock, { limit: { rounds: 50 }, budget, pace, signal }),
    );
    expect(verified(entries, 0).roundsMicrosecondsPerSample).toHaveLength(2);
    expect(firstDocuments).toHaveLength(2);
  });

  it('refuses a row that is faster than the machine', async () => {
    const clock = new FakeClock();
    const fast = fakeContender({ name: 'fast', nanosecondsPerStep: () => 100, clock });
    const peaks = { nativePeakGflops: { float32: 100, float64: 50 } };
    const entries = await outcome([fast], options(clock, { peaks }));
    expect(rows(entries)[0]).toMatchObject({ reason: expect.stringMatching(/GFLOP\/s .*impossible$/) });
  });

  it('does not start what the check refuses, and says how many timed steps were checked of the others', async () => {
    const { clock, python, fast } = fixture();
    const refused = {
      ...python,
      admit: async () => ({ status: 'mismatch' as const, reason: 'updated parameters off: wte' }),
    };
    const entries = await outcome([refused, fast], options(clock));
    expect(rows(entries)[0]).toMatchObject({ status: 'mismatch', reason: 'updated parameters off: wte' });
    expect(python.starts()).toBe(0);
    const { samplesMeasured, samplesPerLap, stepsVerified } = verified(entries, 1);
    expect(stepsVerified).toBe((samplesMeasured / samplesPerLap) * (samplesPerLap + 1));
  });

  it('refuses a contender whose losses are wrong in a later process, and goes on with the others', async () => {
    const { clock, python, fast } = fixture();
    const wrong = fakeContender({
      name: 'wrong',
      nanosecondsPerStep: () => milliseconds,
      clock,
      failure: { start: 2, kind: 'wrong' },
    });
    const entries = await outcome([python, wrong, fast], options(clock));
    expect(rows(entries).map((row) => row?.status)).toEqual(['verified', 'mismatch', 'verified']);
    expect(rows(entries)[1]).toMatchObject({ reason: expect.stringContaining('step 1 of a timed lap') });
    expect(rows(entries)[1]).not.toHaveProperty('microsecondsPerSample');
    expect(verified(entries, 2).roundsMicrosecondsPerSample).toHaveLength(3);
    expect(wrong.alive()).toBe(0);
  });

  it('tells a crash from a task that an implementation does not take on', async () => {
    const { clock } = fixture();
    const crash = fakeContender({
      name: 'a',
      nanosecondsPerStep: () => 1,
      clock,
      failure: { start: 1, kind: 'crash' },
    });
    const declines = fakeContender({
      name: 'b',
      nanosecondsPerStep: () => 1,
      clock,
      failure: { start: 0, kind: 'unsupported' },
    });
    const entries = await outcome([crash, declines], options(clock));
    expect(rows(entries).map((row) => row?.status)).toEqual(['error', 'unsupported']);
  });

  it('gives an interpreter the shortest lap, and one lap a process', async () => {
    const { clock, all } = fixture();
    const entries = await outcome(all, options(clock));
    expect(verified(entries, 0).samplesMeasured).toBe(3 * 10);
    // Two steps to verify, then each round one step for start-up and one lap.
    expect(clock.milliseconds).toBeGreaterThan(250 * (2 + 3 * 12));
  });

  it('times one step a process where a step takes seconds', async () => {
    const clock = new FakeClock();
    let trained = 0;
    const slow = fakeContender({
      name: 'slow',
      nanosecondsPerStep: () => {
        trained++;
        return 3800 * milliseconds;
      },
      clock,
    });
    expect(verified(await outcome([slow], options(clock)), 0).samplesMeasured).toBe(3);
    // Two to verify; then each round the first of the process, and a lap with its untimed step.
    expect(trained).toBe(2 + 3 * 3);
  });

  it('keeps the whole of a default run of twelve rows under two minutes when a step of CPython takes 250 ms', async () => {
    const clock = new FakeClock();
    const speeds = [250, 40, 6, 0.5, 0.3, 0.1, 0.07, 0.03, 0.02, 0.018, 0.012, 0.009];
    const noise = (start: number) => 1 + 0.1 * Math.sin(start * 7);
    const contenders = speeds.map((speed, i) =>
      fakeContender({
        name: `row${i}`,
        ...(i === 0 ? { roles: ['python-baseline' as const] } : {}),
        nanosecondsPerStep: (start) => speed * milliseconds * noise(start),
        clock,
        // Starting a process and ending it, roughly.
        onStart: () => {
          clock.milliseconds += 150;
        },
      }),
    );
    const entries = await outcome(
      contenders,
      options(clock, { limit: { precision: 0.02, budgetMilliseconds: 100_000 } }),
    );
    expect(clock.milliseconds).toBeLessThan(110_000);
    expect(verified(entries, 0).roundsMicrosecondsPerSample.length).toBeGreaterThanOrEqual(3);
    expect(verified(entries, 11).roundsMicrosecondsPerSample.length).toBeGreaterThanOrEqual(FEWEST_ROUNDS);
  });

  it('ends as soon as intervals are narrow enough, after the fewest rounds that let a narrow one be believed', async () => {
    const { clock, all } = fixture();
    let rounds = 0;
    await outcome(
      all,
      options(clock, {
        limit: { precision: 0.02, budgetMilliseconds: 1e9 },
        onEvent: (event) => {
          if (event.kind === 'round') rounds++;
        },
      }),
    );
    expect(rounds).toBe(FEWEST_ROUNDS);
  });

  it('adds rounds while an interval is wide, and stops before the budget would be overrun', async () => {
    const clock = new FakeClock();
    const noisy = fakeContender({
      name: 'noisy',
      nanosecondsPerStep: (start) => (start % 2 === 0 ? 1 : 2) * milliseconds,
      clock,
    });
    const entries = await outcome([noisy], options(clock, { limit: { precision: 0.02, budgetMilliseconds: 60_000 } }));
    expect(verified(entries, 0).roundsMicrosecondsPerSample.length).toBeGreaterThan(FEWEST_ROUNDS);
    expect(clock.milliseconds).toBeLessThanOrEqual(60_000);
  });

  it('marks a row not steady when its laps never settle', async () => {
    const clock = new FakeClock();
    const restless = fakeContender({
      name: 'restless',
      nanosecondsPerStep: (_, trained) => milliseconds * (1 + (Math.floor(trained / 128) % 2)),
      clock,
    });
    const calm = fakeContender({ name: 'calm', nanosecondsPerStep: () => milliseconds, clock });
    const entries = await outcome([restless, calm], options(clock));
    expect(verified(entries, 0).steady).toBe(false);
    expect(verified(entries, 1).steady).toBe(true);
  });

  it('leaves warm-up out of the figures', async () => {
    const clock = new FakeClock();
    const compiled = fakeContender({
      name: 'compiled',
      nanosecondsPerStep: (_, trained) => (trained < 30 ? 3 : 1) * milliseconds,
      clock,
    });
    const entries = await outcome([compiled], options(clock));
    expect(verified(entries, 0).microsecondsPerSample.median).toBe(1000);
  });

  it('marks the round that lies apart, and keeps it', async () => {
    const clock = new FakeClock();
    const contender = fakeContender({
      name: 'a',
      nanosecondsPerStep: (start) => milliseconds * (start === 4 ? 2 : 1 + 0.001 * start),
      clock,
    });
    const row = verified(await outcome([contender], options(clock, { limit: { rounds: 8 } })), 0);
    expect(row.outlierRounds).toEqual([3]);
    expect(row.roundsMicrosecondsPerSample[3]).toBeCloseTo(2000, 6);
  });

  it('keeps what was measured when it is interrupted, and ends its processes', async () => {
    const { clock, all } = fixture();
    const controller = new AbortController();
    const entries = await outcome(
      all,
      options(clock, {
        signal: controller.signal,
        limit: { rounds: 5 },
        onEvent: (event) => {
          if (event.kind === 'sampling' && event.round === 1) controller.abort();
        },
      }),
    );
    expect(rows(entries).map((row) => row?.status)).toEqual(['verified', 'verified', 'verified']);
    for (const contender of all) expect(contender.alive()).toBe(0);
    expect(verified(entries, 2).roundsMicrosecondsPerSample).toHaveLength(1);
  });

  it('ends the processes that wait to be timed when it is interrupted', async () => {
    const { clock, all } = fixture();
    const controller = new AbortController();
    const alive = () => all.map((contender) => contender.alive());
    let waiting: readonly number[] = [];
    await outcome(
      all,
      options(clock, {
        signal: controller.signal,
        onEvent: (event) => {
          if (event.kind !== 'sampling' || controller.signal.aborted) return;
          waiting = alive();
          controller.abort();
        },
      }),
    );
    expect(waiting).toEqual([1, 1, 1]);
    expect(alive()).toEqual([0, 0, 0]);
  });

  it('ends the processes that wait to be timed when a bug of ours comes up while others start', async () => {
    const { clock, all } = fixture();
    const [broken, ...others] = all;
    const lineUp = [{ ...broken, start: () => Promise.reject(new RangeError('a bug')) }, ...others];
    await expect(outcome(lineUp, options(clock))).rejects.toThrow('a bug');
    for (const contender of all) expect(contender.alive()).toBe(0);
  });

  it('refuses a row that works while it waits to be timed', async () => {
    const { clock, all } = fixture();
    const [idle, busy] = all;
    const start = async (signal: AbortSignal) => {
      let asked = 0;
      return { ...(await busy.start(signal)), processorMilliseconds: () => 10_000 * asked++ };
    };
    const entries = await outcome([idle, { ...busy, start }], options(clock));
    expect(rows(entries)).toMatchObject([
      { status: 'verified' },
      {
        status: 'mismatch',
        reason: expect.stringMatching(/^it worked for 10\.0 s in .* in which it was asked nothing/),
      },
    ]);
  });

  it('says nothing of a row that was never reached', async () => {
    const { clock, all } = fixture();
    const controller = new AbortController();
    const entries = await outcome(
      all,
      options(clock, {
        signal: controller.signal,
        onEvent: (event) => {
          if (event.kind === 'verifying' && event.entry === 1) controller.abort();
        },
      }),
    );
    expect(rows(entries)).toEqual([undefined, undefined, undefined]);
  });
});
