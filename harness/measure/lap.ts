import { setTimeout } from 'node:timers/promises';
import { ownWaiting, type SchedulerTimes } from '../program/process-usage.ts';
import type { TrainerProcess } from '../program/trainer-process.ts';
import type { TimedLap } from '../verify/timed-laps.ts';

/**
 * The unit of timing: a reset to the start parameters and to documents that the row could not know before, one untimed step, a word
 * without work, then the timed steps. After the untimed step the caches are warm. And a row gains nothing if it leaves the last part
 * of a step for later: the last part of the untimed step is then timed.
 */
export interface Lap extends TimedLap {
  readonly timedSteps: number;
  /** Time of all steps but the first, by the row's own clock. */
  readonly nanoseconds: number;
  /** By the harness's clock, in nanoseconds, each from the word to its answer; `first` with the word without work after it. */
  readonly wall: { readonly reset: number; readonly first: number; readonly rest: number };
  /** Time in which the row or the harness waited for a processor during the lap; 0 if the platform does not tell. */
  readonly delayNanoseconds: number;
  /** Processor time of the row during the lap, if the platform tells: of all its threads, and of its main thread. */
  readonly processorNanoseconds?: number;
  readonly mainThreadNanoseconds?: number;
}

/** Runs one lap. @param steps at least 2 @param pauseMilliseconds how long the row is left alone before each `train` */
export async function runLap(
  trainer: TrainerProcess,
  firstDocument: number,
  steps: number,
  pauseMilliseconds = 0,
): Promise<Lap> {
  const pause = async () => {
    if (pauseMilliseconds > 0) await setTimeout(pauseMilliseconds);
  };
  const before = processorTimes(trainer);
  await trainer.reset(firstDocument);
  const reset = trainer.wordNanoseconds();
  await pause();
  const begun = await trainer.train(1);
  const step = trainer.wordNanoseconds();
  // A garbage collector finishes here what the step left to it. In the timed word it would run before the row's own clock starts.
  await trainer.emptyWord();
  const first = step + trainer.wordNanoseconds();
  await pause();
  const timed = await trainer.train(steps - 1);
  const rest = trainer.wordNanoseconds();
  const since = processorTimesSince(before, trainer);
  const losses = new Float64Array(steps);
  losses.set(begun.losses);
  losses.set(timed.losses, 1);
  return {
    firstDocument,
    losses,
    timedSteps: steps - 1,
    nanoseconds: timed.nanoseconds,
    wall: { reset, first, rest },
    ...since,
  };
}

/** In a longer lap, working between two words gains too little. */
const PAUSED_NANOSECONDS = 20e6;

/**
 * Nanoseconds of a timed step in a short lap before whose words the row is left alone for as long as the lap takes. None for a row
 * whose lap cannot be short.
 */
export async function pausedLaps(
  trainer: TrainerProcess,
  firstDocuments: readonly number[],
  lapSteps: number,
  nanosecondsPerStep: number,
): Promise<readonly number[]> {
  const steps = Math.min(lapSteps, Math.floor(PAUSED_NANOSECONDS / nanosecondsPerStep));
  if (steps < 2) return [];
  const perStep: number[] = [];
  for (const firstDocument of firstDocuments) {
    const lap = await runLap(trainer, firstDocument, steps, Math.ceil((steps * nanosecondsPerStep) / 1e6));
    perStep.push(lap.wall.rest / lap.timedSteps);
  }
  return perStep;
}

interface ProcessorTimes {
  /** Undefined if the platform does not tell. */
  readonly row: SchedulerTimes | undefined;
  /** What the harness itself waited for a processor, without the programs that it started. */
  readonly ownWaiting: number;
}

/** The times so far. Read them before the words whose delays you need. */
export function processorTimes(trainer: TrainerProcess): ProcessorTimes {
  return { row: trainer.schedulerTimes(), ownWaiting: ownWaiting() };
}

export function processorTimesSince(
  before: ProcessorTimes,
  trainer: TrainerProcess,
): Pick<Lap, 'delayNanoseconds' | 'processorNanoseconds' | 'mainThreadNanoseconds'> {
  const { row, ownWaiting } = processorTimes(trainer);
  const own = ownWaiting - before.ownWaiting;
  return {
    ...(before.row === undefined || row === undefined
      ? { delayNanoseconds: own }
      : {
          delayNanoseconds: own + Math.max(0, row.waiting - before.row.waiting),
          processorNanoseconds: row.running - before.row.running,
          mainThreadNanoseconds: row.mainRunning - before.row.mainRunning,
        }),
  };
}

/** Enough to know what a word costs on a busy machine. */
const EMPTY_WORDS = 8;

/** Nanoseconds that words without work take. */
export async function timeEmptyWords(trainer: TrainerProcess, count = EMPTY_WORDS): Promise<readonly number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    await trainer.emptyWord();
    times.push(trainer.wordNanoseconds());
  }
  return times;
}
