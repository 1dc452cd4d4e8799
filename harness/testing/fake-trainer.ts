import { UnsupportedTask } from '../../impls/contract.ts';
import { type Contender, type Witness, WrongLaps } from '../measure/contender.ts';
import { ImplementationFailure } from '../program/implementation-failure.ts';
import type { Role } from '../program/roles.ts';
import type { TrainerProcess } from '../program/trainer-process.ts';
import type { TimedLap } from '../verify/timed-laps.ts';

/** A clock that tests move by hand, in milliseconds. */
export class FakeClock {
  milliseconds = 0;
  readonly now = (): number => this.milliseconds;
}

export interface FakeTrainerOptions {
  readonly name: string;
  readonly roles?: readonly Role[];
  /** Time of one step in the process that was started `start`-th, counted from 0, after `trained` steps in that process and `step` since its last reset, on a document. */
  readonly nanosecondsPerStep: (start: number, trained: number, step: number, document: number) => number;
  readonly clock: FakeClock;
  /** What its own clock says, over what passed, of a word that ends after so many steps since the last reset, in that process. */
  readonly clockFactor?: (step: number, start: number) => number;
  /** What every word costs beside its work. */
  readonly emptyWordNanoseconds?: number;
  /** Time of a `reset`, beyond that of an empty word. */
  readonly resetNanoseconds?: number;
  /** Of a `train`, what it leaves to the word after it, like a garbage collector. */
  readonly putOffNanoseconds?: number;
  /** What goes wrong, in the process that was started that many times before, at its first step. */
  readonly failure?: { readonly start: number; readonly kind: 'crash' | 'wrong' | 'unsupported' };
  readonly onStart?: () => void;
}

/** A contender that trains nothing and moves the clock instead, so that a whole race runs in no time. Counts its processes. */
export function fakeContender(
  options: FakeTrainerOptions,
): Contender & { readonly alive: () => number; readonly starts: () => number } {
  const { emptyWordNanoseconds = EMPTY_WORD_NANOSECONDS } = options;
  let starts = 0;
  let alive = 0;
  const start = async (signal: AbortSignal): Promise<TrainerProcess> => {
    signal.throwIfAborted();
    const number = starts++;
    options.onStart?.();
    const failure = options.failure?.start === number ? options.failure.kind : undefined;
    if (failure === 'unsupported') throw new UnsupportedTask('no use for this task');
    alive++;
    let step = 0;
    let first = 0;
    let trained = 0;
    let running = true;
    let word = 0;
    let putOff = 0;
    const takeWord = (nanoseconds: number) => {
      word = nanoseconds + emptyWordNanoseconds + putOff;
      putOff = 0;
    };
    return {
      startupNanoseconds: 5e6,
      train: async (steps) => {
        if (signal.aborted) throw new ImplementationFailure(options.name, 'was ended', 'start it again');
        if (failure === 'crash')
          throw new ImplementationFailure(options.name, 'exited with code 1', 'see its standard error');
        const losses = Float64Array.from(
          { length: steps },
          (_, i) => fakeLoss(first, step + i) + (failure === 'wrong' ? 0.5 : 0),
        );
        let nanoseconds = 0;
        for (let i = 0; i < steps; i++)
          nanoseconds += options.nanosecondsPerStep(number, trained++, step + i, first + step + i);
        step += steps;
        takeWord(nanoseconds);
        putOff = options.putOffNanoseconds ?? 0;
        options.clock.milliseconds += word / 1e6;
        return { losses, nanoseconds: nanoseconds * (options.clockFactor?.(step, number) ?? 1) };
      },
      reset: async (firstDocument) => {
        step = 0;
        first = firstDocument;
        takeWord(options.resetNanoseconds ?? 0);
      },
      take: async () => false,
      emptyWord: async () => takeWord(0),
      wordNanoseconds: () => word,
      schedulerTimes: () => undefined,
      processorMilliseconds: () => undefined,
      parameters: async () => new Float64Array(0),
      gradients: async () => undefined,
      peakRssBytes: () => 50 * 2 ** 20,
      quit: async () => {
        if (running) alive--;
        running = false;
      },
    };
  };
  return {
    identity: {
      implementation: options.name,
      language: 'TypeScript',
      technique: 'fake',
      precision: 'float64',
      threads: 1,
    },
    origin: { sourceHash: '0'.repeat(64), tools: {} },
    isHosted: true,
    roles: options.roles ?? [],
    admit: async (signal) => {
      const trainer = await start(signal);
      try {
        await trainer.train(1);
        const { losses } = await trainer.train(1);
        const nanosecondsPerStep = trainer.wordNanoseconds() - emptyWordNanoseconds;
        const isRight = losses[0] === fakeLoss(0, 1);
        return isRight
          ? { status: 'verified', stepsVerified: 2, nanosecondsPerStep }
          : { status: 'mismatch', reason: `step 2: expected a loss of ${fakeLoss(0, 1)}; got ${losses[0]}` };
      } finally {
        await trainer.quit();
      }
    },
    start,
    witness: () => ({ check: checkFakeLaps, quit: async () => {} }),
    alive: () => alive,
    starts: () => starts,
  };
}

const EMPTY_WORD_NANOSECONDS = 50_000;

/** Loss of a step of the fake model, counted from 0. */
function fakeLoss(firstDocument: number, step: number): number {
  return firstDocument + step / 1024;
}

async function checkFakeLaps(laps: readonly TimedLap[]): ReturnType<Witness['check']> {
  for (const { firstDocument, losses } of laps) {
    const step = losses.findIndex((loss, i) => loss !== fakeLoss(firstDocument, i)) + 1;
    if (step > 0) throw new WrongLaps(`step ${step} of a timed lap: got another loss`);
  }
  const stepsCompared = laps.reduce((sum, { losses }) => sum + losses.length, 0);
  return { status: 'verified', stepsCompared, stepsForced: stepsCompared, fractionOfBound: 0 };
}
