import { median } from 'simple-statistics';
import { Bench } from 'tinybench';
import type { TrainerProcess } from '../program/trainer-process.ts';
import { isSteady } from '../statistics/steadiness.ts';
import { type Contender, requireRight } from './contender.ts';
import { type Lap, rehearsalSteps, runLap } from './lap.ts';
import type { Pace } from './pace.ts';

/** What one fresh process yields: one sample of the row, however many laps it ran. */
export interface ProcessSample {
  /** Median over its laps of the time from step 0 up to each cut; the last entry is the whole lap. Keys are step counts. */
  readonly nanosecondsToCut: ReadonlyMap<number, number>;
  readonly laps: number;
  /** False where warm-up ran into its limit before lap times settled. */
  readonly steady: boolean;
  readonly maxLossError: number;
  /** From spawning the process to the answer of its first step, without the time a build took. */
  readonly startupNanoseconds: number;
  readonly peakRssBytes?: number;
}

export interface SampleOptions {
  readonly cuts: readonly number[];
  /** What a lap is expected to take: a row whose lap is beyond the warm-up limit is timed cold, once. */
  readonly lapNanoseconds: number;
  readonly pace: Pace;
  readonly signal: AbortSignal;
  /** Monotonic clock of the harness, in milliseconds; only start-up is taken from it. */
  readonly now?: () => number;
}

/**
 * Starts a process, warms it up until lap times are steady, times laps, and ends it. Every lap, warm-up included, is verified.
 *
 * @throws WrongLosses, and whatever the contender's process throws
 */
export async function sampleProcess(contender: Contender, options: SampleOptions): Promise<ProcessSample> {
  const { cuts, lapNanoseconds, pace, signal, now = () => performance.now() } = options;
  const trainer = await contender.start(signal);
  try {
    const startupNanoseconds = await timeFirstStep(trainer, now);
    const rehearsal = rehearsalSteps(cuts, lapNanoseconds / cuts[cuts.length - 1]);
    let maxLossError = 0;
    const verifiedLap = async (): Promise<Lap> => {
      const lap = await runLap(trainer, cuts, rehearsal);
      maxLossError = Math.max(maxLossError, requireRight(contender, lap.losses).maxLossError);
      return lap;
    };
    const steady = await warmUp(verifiedLap, lapNanoseconds, pace);
    const laps = await timeLaps(contender.identity.implementation, verifiedLap, lapNanoseconds, pace, signal);
    const peakRssBytes = trainer.peakRssBytes();
    await trainer.quit();
    return {
      nanosecondsToCut: new Map(cuts.map((cut, i) => [cut, median(laps.map((lap) => lap.nanosecondsToCut[i]))])),
      laps: laps.length,
      steady,
      maxLossError,
      startupNanoseconds,
      ...(peakRssBytes === undefined ? {} : { peakRssBytes }),
    };
  } catch (error) {
    await trainer.quit().catch(() => undefined);
    throw error;
  }
}

async function timeFirstStep(trainer: TrainerProcess, now: () => number): Promise<number> {
  const start = now();
  await trainer.train(1);
  const firstStep = (now() - start) * 1e6;
  return Math.max(1, trainer.startupNanoseconds + firstStep - (trainer.buildNanoseconds ?? 0));
}

async function warmUp(verifiedLap: () => Promise<Lap>, expectedNanoseconds: number, pace: Pace): Promise<boolean> {
  const limit = pace.warmUpMilliseconds * 1e6;
  if (expectedNanoseconds > limit) return true;
  const times: number[] = [];
  let spent = 0;
  while (spent < limit) {
    const nanoseconds = lapTime(await verifiedLap());
    spent += nanoseconds;
    times.push(nanoseconds);
    if (isSteady(times)) return true;
  }
  return false;
}

/** Sampling is tinybench's; the duration of each sample is the child's own, and so is the time that counts towards the limit. */
async function timeLaps(
  name: string,
  verifiedLap: () => Promise<Lap>,
  expectedNanoseconds: number,
  pace: Pace,
  signal: AbortSignal,
): Promise<readonly Lap[]> {
  const laps: Lap[] = [];
  const isSlow = expectedNanoseconds > pace.warmUpMilliseconds * 1e6;
  const bench = new Bench({
    warmup: false,
    retainSamples: true,
    throws: true,
    time: isSlow ? 0 : pace.samplingMilliseconds,
    iterations: isSlow ? 1 : pace.fewestLaps,
    signal,
  });
  bench.add(
    name,
    async () => {
      const lap = await verifiedLap();
      laps.push(lap);
      return { overriddenDuration: lapTime(lap) / 1e6 };
    },
    { async: true },
  );
  await bench.run();
  signal.throwIfAborted();
  return laps;
}

function lapTime(lap: Lap): number {
  return lap.nanosecondsToCut[lap.nanosecondsToCut.length - 1];
}
