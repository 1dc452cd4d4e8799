import { availableParallelism } from 'node:os';
import { median, quantile } from 'simple-statistics';
import type { Lap } from './lap.ts';

/** The part of a lap that is judged here. */
export type ClockedLap = Pick<
  Lap,
  'timedSteps' | 'nanoseconds' | 'wall' | 'delayNanoseconds' | 'processorNanoseconds' | 'mainThreadNanoseconds'
>;

/** What one process showed of its clock. */
export interface ClockEvidence {
  readonly laps: readonly ClockedLap[];
  /** Nanoseconds, by the harness's clock, of words without work: unknown words, which are answered at once, and `reset`. */
  readonly emptyWords: readonly number[];
  /** Of a timed step, in laps where the row was left alone before each word. */
  readonly pausedNanosecondsPerStep: readonly number[];
}

/** Allowed share of the harness's time, for other work of the machine. */
const RELATIVE_SLACK = 0.02;
const SLACK_NANOSECONDS = 50_000;
/** A lap is calm if it waited for a processor for less than this share of its time. Calm laps alone show lies larger than this share. */
const CALM_SHARE = 0.1;
const FEWEST_CALM = 3;
/** At most so much of a word's cost is allowed: a row must not hide work behind slow answers. */
const LONGEST_EMPTY_WORD = 2e6;
/** To print a loss and to read it took 0.3 µs (Node, C, Rust) to 0.8 µs (Julia) on a slow machine. A row may say so much less for a step. */
const NANOSECONDS_TO_PRINT_LOSS = 1_000;
/** Outside the timed steps a lap may do its first step, the reset, its four words, and this share of the timed work. */
const UNTIMED_SHARE = 0.05;
const UNTIMED_STEPS = 3;
const UNTIMED_NANOSECONDS = 300_000;
const WORDS_OF_LAP = 4;
/** After a pause as long as a lap, a row must not need less than this share of its usual time. */
const PAUSED_SHARE = 0.6;
const FEWEST_PAUSES = 3;

/**
 * The fault of a row's clock, in one line, or undefined. The row's own time must not be larger than the harness's. It must not be
 * smaller than the harness's time minus the cost of a word without work. And no work may be done outside the timed steps.
 *
 * On a busy machine a word waits for a processor; that time is known, and subtracted. Half of the laps must be at fault, or the median
 * of half of the processes, because the row's time is the median of these medians. If there are two or more, at least two must be,
 * because anything may disturb one. From three processes on their medians alone count: one that was disturbed has no say, however many
 * of the laps are its own.
 */
export function clockFault(evidence: readonly ClockEvidence[]): string | undefined {
  const laps = evidence.flatMap((one) => one.laps);
  if (laps.length === 0) return undefined;
  const emptyWords = evidence.flatMap((one) => one.emptyWords);
  const processes = evidence.map((one) => faultOfLaps(one.laps, emptyWords, 1)).filter((fault) => fault !== undefined);
  const ofAll = evidence.length < 3 ? faultOfLaps(laps, emptyWords, Math.min(laps.length, 2)) : undefined;
  return (
    ofAll ??
    (processes.length >= Math.max(evidence.length / 2, 2) ? processes[0] : undefined) ??
    workBetweenWords(evidence)
  );
}

/** @param fewest so many laps must be at fault, and half of them */
function faultOfLaps(laps: readonly ClockedLap[], emptyWords: readonly number[], fewest: number): string | undefined {
  const ahead = laps.find(({ nanoseconds, wall }) => nanoseconds > wall.rest);
  if (ahead !== undefined)
    return `its clock says ${perStep(ahead, ahead.nanoseconds)}, ours ${perStep(ahead, ahead.wall.rest)}`;

  const emptyWord = costOfWord(emptyWords);
  const missing = (lap: ClockedLap) => {
    const { nanoseconds, wall, timedSteps, delayNanoseconds } = lap;
    return (
      wall.rest * (1 - RELATIVE_SLACK) -
      delayNanoseconds -
      emptyWord -
      NANOSECONDS_TO_PRINT_LOSS * timedSteps -
      SLACK_NANOSECONDS -
      nanoseconds
    );
  };
  // A delay can hide a lie of the same size. So laps with almost no delay, if there are enough, are also judged alone.
  const calm = laps.filter(isCalm);
  const lap =
    (calm.length < FEWEST_CALM
      ? undefined
      : worstLap(
          calm,
          calm.map((one) => missing(one) - CALM_SHARE * one.wall.rest),
          fewest,
        )) ?? worstLap(laps, laps.map(missing), fewest);
  if (lap !== undefined) return `its clock says ${perStep(lap, lap.nanoseconds)}, ours ${perStep(lap, lap.wall.rest)}`;
  return hiddenWork(laps, emptyWords, fewest) ?? movedWork(laps, emptyWords, fewest);
}

function costOfWord(emptyWords: readonly number[]): number {
  return Math.min(LONGEST_EMPTY_WORD, quantile([...emptyWords], 0.75));
}

/** A busy machine delays words, but does not change processor time. So the main thread's processor time must be within the row's own time. */
function hiddenWork(laps: readonly ClockedLap[], emptyWords: readonly number[], fewest: number): string | undefined {
  // Its own work, and not what it waited: the words that were hardly disturbed.
  const emptyWord = Math.min(LONGEST_EMPTY_WORD, quantile([...emptyWords], 0.25));
  const hidden = laps.map(({ nanoseconds, timedSteps, mainThreadNanoseconds }) => {
    if (mainThreadNanoseconds === undefined) return 0;
    const step = mainThreadNanoseconds / timedSteps;
    const untimed = UNTIMED_STEPS * step + UNTIMED_SHARE * mainThreadNanoseconds + UNTIMED_NANOSECONDS;
    const words = WORDS_OF_LAP * emptyWord + NANOSECONDS_TO_PRINT_LOSS * timedSteps;
    return mainThreadNanoseconds - nanoseconds - untimed - words;
  });
  const lap = worstLap(laps, hidden, fewest);
  if (lap === undefined) return undefined;
  const { wall, nanoseconds, timedSteps, mainThreadNanoseconds = 0 } = lap;
  if (Math.max(wall.reset, wall.first) > wall.rest) return describeMoved(lap);
  return `its clock says ${perStep(lap, nanoseconds)}, ours ${duration(mainThreadNanoseconds / timedSteps)} a step`;
}

/** The lap that exceeds the limit most; undefined if too few laps exceed it. */
function worstLap(laps: readonly ClockedLap[], excess: readonly number[], fewest: number): ClockedLap | undefined {
  const atFault = excess.filter((nanoseconds) => nanoseconds > 0).length;
  if (atFault < Math.max(laps.length / 2, fewest) || !(median([...excess]) > 0)) return undefined;
  return laps[excess.indexOf(Math.max(...excess))];
}

function isCalm({ delayNanoseconds, wall }: ClockedLap): boolean {
  return delayNanoseconds < CALM_SHARE * (wall.reset + wall.first + wall.rest);
}

/**
 * Whether `reset` or the first step, which are not timed, take longer than their work needs. In a disturbed lap a long word may be only
 * waiting, so there the processor time must show the work too.
 */
export function movedWork(
  laps: readonly ClockedLap[],
  emptyWords: readonly number[],
  fewest: number,
): string | undefined {
  const emptyWord = costOfWord(emptyWords);
  const excess = laps.map((lap) => {
    const { wall, nanoseconds, timedSteps, delayNanoseconds, processorNanoseconds } = lap;
    const step = wall.rest / timedSteps;
    // All words but the timed one.
    const allowed =
      (WORDS_OF_LAP - 1) * emptyWord + UNTIMED_STEPS * step + UNTIMED_SHARE * wall.rest + UNTIMED_NANOSECONDS;
    const waited = wall.reset + wall.first - delayNanoseconds - allowed;
    if (isCalm(lap) || processorNanoseconds === undefined) return waited;
    return Math.min(waited, processorNanoseconds - nanoseconds - allowed);
  });
  const lap = worstLap(laps, excess, fewest);
  return lap && describeMoved(lap);
}

function describeMoved({ wall, timedSteps }: ClockedLap): string {
  const [word, time] = wall.reset > wall.first ? ['reset', wall.reset] : ['train 1', wall.first];
  return `\`${word}\` took ${duration(time)}, and the ${timedSteps} timed steps after it ${duration(wall.rest)}: work was moved to where it is not timed`;
}

function workBetweenWords(evidence: readonly ClockEvidence[]): string | undefined {
  const paused = evidence.flatMap((one) => one.pausedNanosecondsPerStep);
  if (paused.length < FEWEST_PAUSES) return undefined;
  // The least, because a lap with pauses is short, and so less disturbed than most.
  const usual = Math.min(...evidence.flatMap(({ laps }) => laps.map(leastPerStep)));
  const afterPause = median(paused);
  if (afterPause > PAUSED_SHARE * usual) return undefined;
  return `a step took ${duration(afterPause)} after a pause and ${duration(usual)} without: it trains between words`;
}

/**
 * Nanoseconds that a step took at least, however long the lap waited. Threads that wait at the same time are counted each, so a delay
 * can be longer than its lap; but all processors together did the work in no less than its processor time allows.
 */
function leastPerStep({ wall, delayNanoseconds, processorNanoseconds = 0, timedSteps }: ClockedLap): number {
  return Math.max(wall.rest - delayNanoseconds, processorNanoseconds / availableParallelism()) / timedSteps;
}

function perStep(lap: ClockedLap, nanoseconds: number): string {
  return `${duration(nanoseconds / lap.timedSteps)} a step`;
}

function duration(nanoseconds: number): string {
  const [value, unit] =
    nanoseconds >= 1e9
      ? [nanoseconds / 1e9, 's']
      : nanoseconds >= 1e6
        ? [nanoseconds / 1e6, 'ms']
        : [nanoseconds / 1e3, 'µs'];
  return `${Number(value.toPrecision(2))} ${unit}`;
}
