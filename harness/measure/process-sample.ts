import { median } from 'simple-statistics';
import { Bench } from 'tinybench';
import { workWithin } from '../program/process-usage.ts';
import type { TrainerProcess } from '../program/trainer-process.ts';
import { isSteady } from '../statistics/steadiness.ts';
import { type Contender, WrongLaps } from './contender.ts';
import { watchIdle } from './idle-watch.ts';
import { type Lap, pausedLaps, runLap, timeEmptyWords } from './lap.ts';
import type { LapDeck, LapOf } from './lap-deck.ts';
import type { Pace } from './pace.ts';
import type { ClockEvidence } from './two-clocks.ts';

/** What one fresh process gives: one sample of the row, not yet verified. */
export interface ProcessSample extends ClockEvidence {
  readonly laps: readonly Lap[];
  /** Median over its laps, by its own clock, for a document of average length. */
  readonly nanosecondsPerDocument: number;
  /** False if warm-up was cut off before lap times settled. */
  readonly steady: boolean;
  /** From spawning the process to the answer of its first step, without the time of a build and without waiting for a processor. */
  readonly startupNanoseconds: number;
  readonly peakRssBytes?: number;
  /** Processor time over elapsed time during the timed laps. */
  readonly coresUsed?: number;
}

/** A process that has trained one step, and waits to be timed. */
export interface StartedProcess {
  readonly trainer: TrainerProcess;
  readonly startupNanoseconds: number;
  /** What it did wrong while it waited. */
  readonly idleFault: () => string | undefined;
}

interface SampleOptions {
  readonly deck: LapDeck;
  readonly lapOf: LapOf;
  /** With the first, which is not timed. */
  readonly lapSteps: number;
  /** A row whose lap takes longer than the warm-up may is timed cold, once. */
  readonly lapNanoseconds: number;
  readonly pace: Pace;
  readonly signal: AbortSignal;
}

const UNBORN = { running: 0, mainRunning: 0, waiting: 0 };

/** Starts a process, up to the answer of its first step. @throws what the contender's process throws */
export async function startProcess(contender: Contender, deck: LapDeck, signal: AbortSignal): Promise<StartedProcess> {
  const trainer = await contender.start(signal);
  try {
    await trainer.reset(deck.warmUp());
    await trainer.train(1);
    const wall = trainer.startupNanoseconds + trainer.wordNanoseconds() - (trainer.buildNanoseconds ?? 0);
    const startupNanoseconds = workWithin(Math.max(1, wall), UNBORN, trainer.schedulerTimes());
    return { trainer, startupNanoseconds, idleFault: watchIdle(trainer) };
  } catch (error) {
    await trainer.quit();
    throw error;
  }
}

/** Warms a process up until lap times are steady, times laps, and ends it. @throws what the process throws */
export async function sampleProcess(
  name: string,
  { trainer, startupNanoseconds, idleFault }: StartedProcess,
  options: SampleOptions,
): Promise<ProcessSample> {
  const { deck, lapSteps, lapNanoseconds, pace } = options;
  try {
    const fault = idleFault();
    if (fault !== undefined) throw new WrongLaps(fault);
    const isSlow = lapNanoseconds > pace.warmUpMilliseconds * 1e6;
    const positions = (lap: Lap) => deck.positions(lap.firstDocument, 1, lapSteps);
    const steady = isSlow || (await warmUp(trainer, deck, lapSteps, positions, pace));
    const emptyWords = await timeEmptyWords(trainer, isSlow ? 1 : undefined);
    const pausedNanosecondsPerStep = await pausedLaps(trainer, [deck.warmUp()], lapSteps, lapNanoseconds / lapSteps);

    const laps = await timeLaps(name, trainer, options, isSlow);
    const last = laps.length - 1;
    // So that its last update is checked too.
    laps[last] = { ...laps[last], parameters: await trainer.parameters() };
    const peakRssBytes = trainer.peakRssBytes();
    const elapsed = laps.reduce((sum, { wall }) => sum + wall.reset + wall.first + wall.rest, 0);
    const processor = laps.reduce((sum, lap) => sum + (lap.processorNanoseconds ?? 0), 0);
    // Documents differ in length, and so in work.
    const perDocument = laps.map((lap) => (lap.nanoseconds * deck.averagePositions) / positions(lap));
    return {
      laps,
      emptyWords,
      pausedNanosecondsPerStep,
      nanosecondsPerDocument: median(perDocument),
      steady,
      startupNanoseconds,
      ...(peakRssBytes === undefined ? {} : { peakRssBytes }),
      ...(processor > 0 ? { coresUsed: processor / elapsed } : {}),
    };
  } finally {
    await trainer.quit();
  }
}

/** By the harness's clock alone: a row's own may count too little. */
async function warmUp(
  trainer: TrainerProcess,
  deck: LapDeck,
  lapSteps: number,
  positions: (lap: Lap) => number,
  pace: Pace,
): Promise<boolean> {
  const times: number[] = [];
  for (let spent = 0; spent < pace.warmUpMilliseconds * 1e6; ) {
    const lap = await runLap(trainer, deck.warmUp(), lapSteps);
    spent += lap.wall.reset + lap.wall.first + lap.wall.rest;
    times.push(lap.wall.rest / positions(lap));
    if (isSteady(times)) return true;
  }
  return false;
}

/** tinybench samples; the duration of each sample is that of all its words by the harness's clock. */
async function timeLaps(
  name: string,
  trainer: TrainerProcess,
  { lapOf, lapSteps, pace, signal }: SampleOptions,
  isSlow: boolean,
): Promise<Lap[]> {
  const laps: Lap[] = [];
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
      const firstDocument = lapOf(laps.length);
      if (firstDocument === undefined) throw new NoLapLeft();
      const lap = await runLap(trainer, firstDocument, lapSteps);
      laps.push(lap);
      return { overriddenDuration: (lap.wall.reset + lap.wall.first + lap.wall.rest) / 1e6 };
    },
    { async: true },
  );
  await bench.run().catch((error) => {
    // In a small data set, what was timed until then counts.
    if (!(error instanceof NoLapLeft && laps.length > 0)) throw error;
  });
  signal.throwIfAborted();
  return laps;
}

export class NoLapLeft extends Error {
  override readonly name = 'NoLapLeft';
}
