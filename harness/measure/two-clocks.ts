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
/** At most so much of a word's cost is allowed, and this share of its lap: a row must not hide work behind slow answers. */
const LONGEST_EMPTY_WORD = 2e6;
const EMPTY_WORD_SHARE = 0.05;
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
 * smaller than the harness's time minus the cost of a word without work, nor than the processor time. And no work may be done outside
 * the timed steps.
 *
 * On a busy machine a word waits for a processor; that time is known, and subtracted. A process is at fault if half of its laps are,
 * and a row if half of its processes are, because its time is the median of their medians: fewer do not change it.
 */
export function clockFault(evidence: readonly ClockEvidence[]): string | undefined {
  const laps = evidence.flatMap((one) => one.laps);
  if (laps.length === 0) return undefined;
  const ahead = laps.find(({ nanoseconds, wall }) => nanoseconds > wall.rest);
  if (ahead !== undefined) return describeClock(ahead, ahead.wall.rest);
  const words = costsOfWord(evidence.flatMap((one) => one.emptyWords));
  const processes = evidence.map((one) => faultOfLaps(one.laps.map((lap) => worstOf(lap, words))));
  const atFault = processes.filter((fault) => fault !== undefined);
  return (
    (atFault.length >= evidence.length / 2 ? atFault[0] : undefined) ??
    faultOfCalmLaps(evidence, words) ??
    workBetweenWords(evidence)
  );
}

/** Whether `reset` or the first step, which are not timed, take longer in this lap than their work needs. */
export function movedWork(lap: ClockedLap, emptyWords: readonly number[]): string | undefined {
  const { excess, fault } = moved(lap, costsOfWord(emptyWords));
  return excess > 0 ? fault() : undefined;
}

/** Of a word without work, in nanoseconds: what it may cost, and what it costs if hardly disturbed. */
interface WordCosts {
  readonly usual: number;
  readonly least: number;
}

function costsOfWord(emptyWords: readonly number[]): WordCosts {
  const cost = (share: number) => Math.min(LONGEST_EMPTY_WORD, quantile([...emptyWords], share));
  return { usual: cost(0.75), least: cost(0.25) };
}

/** How far a lap is beyond what is allowed, in nanoseconds; at fault if above 0. */
interface Finding {
  readonly excess: number;
  readonly fault: () => string;
}

/** A lap may be at fault in several ways, and a row in another way in each lap. */
function worstOf(lap: ClockedLap, words: WordCosts): Finding {
  return [missing(lap, words), hidden(lap, words), moved(lap, words)].reduce((worst, one) =>
    one.excess > worst.excess ? one : worst,
  );
}

function wordCost(cost: number, { wall }: ClockedLap): number {
  const { reset, first, rest } = wall;
  // A piece of a long run, without a reset, may be shorter than an honest word.
  return reset === 0 ? cost : Math.min(cost, EMPTY_WORD_SHARE * (reset + first + rest));
}

function faultOfLaps(findings: readonly Finding[]): string | undefined {
  const atFault = findings.filter(({ excess }) => excess > 0);
  if (atFault.length < findings.length / 2 || !(median(findings.map(({ excess }) => excess)) > 0)) return undefined;
  return atFault.reduce((worst, one) => (one.excess > worst.excess ? one : worst)).fault();
}

/** Time that passed and that the row does not tell. */
function missing(lap: ClockedLap, { usual }: WordCosts): Finding {
  const { nanoseconds, wall, timedSteps, delayNanoseconds } = lap;
  const excess =
    wall.rest * (1 - RELATIVE_SLACK) -
    delayNanoseconds -
    wordCost(usual, lap) -
    NANOSECONDS_TO_PRINT_LOSS * timedSteps -
    SLACK_NANOSECONDS -
    nanoseconds;
  return { excess, fault: () => describeClock(lap, wall.rest) };
}

/**
 * A busy machine delays words, but does not change processor time. So the main thread's must be within the row's own time, and that of
 * all threads within what all processors can give in it: a row could keep its own main thread waiting.
 */
function hidden(lap: ClockedLap, { least }: WordCosts): Finding {
  const { nanoseconds, wall, timedSteps, mainThreadNanoseconds = 0, processorNanoseconds = 0 } = lap;
  const work = Math.max(mainThreadNanoseconds, processorNanoseconds / availableParallelism());
  const untimed = UNTIMED_STEPS * (work / timedSteps) + UNTIMED_SHARE * work + UNTIMED_NANOSECONDS;
  // Its own work, and not what it waited.
  const words = WORDS_OF_LAP * wordCost(least, lap) + NANOSECONDS_TO_PRINT_LOSS * timedSteps;
  const isMoved = Math.max(wall.reset, wall.first) > wall.rest;
  return {
    excess: work - nanoseconds - untimed - words,
    fault: () => (isMoved ? describeMoved(lap) : describeClock(lap, work)),
  };
}

/** In a disturbed lap a long word may be only waiting, so there the processor time must show the work too. */
function moved(lap: ClockedLap, { usual }: WordCosts): Finding {
  const { wall, nanoseconds, timedSteps, delayNanoseconds, processorNanoseconds } = lap;
  const step = wall.rest / timedSteps;
  // All words but the timed one.
  const words = (WORDS_OF_LAP - 1) * wordCost(usual, lap);
  const allowed = words + UNTIMED_STEPS * step + UNTIMED_SHARE * wall.rest + UNTIMED_NANOSECONDS;
  const waited = wall.reset + wall.first - delayNanoseconds - allowed;
  const isShort = isCalm(lap) || processorNanoseconds === undefined;
  const excess = isShort ? waited : Math.min(waited, processorNanoseconds - nanoseconds - allowed);
  return { excess, fault: () => describeMoved(lap) };
}

/**
 * A delay can hide a lie of the same size. So laps with almost no delay are also judged alone, those of all processes together. Those
 * at fault must be of two processes, if there are so many: anything may disturb one.
 */
function faultOfCalmLaps(evidence: readonly ClockEvidence[], words: WordCosts): string | undefined {
  const calm = evidence.map((one) =>
    one.laps.filter(isCalm).map((lap) => {
      const { excess, fault } = missing(lap, words);
      return { excess: excess - CALM_SHARE * lap.wall.rest, fault };
    }),
  );
  const findings = calm.flat();
  const atFault = calm.filter((ofProcess) => ofProcess.some(({ excess }) => excess > 0));
  if (findings.length < FEWEST_CALM || atFault.length < Math.min(evidence.length, 2)) return undefined;
  return faultOfLaps(findings);
}

function isCalm({ delayNanoseconds, wall }: ClockedLap): boolean {
  return delayNanoseconds < CALM_SHARE * (wall.reset + wall.first + wall.rest);
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

function describeClock({ nanoseconds, timedSteps }: ClockedLap, ours: number): string {
  return `its clock says ${duration(nanoseconds / timedSteps)} a step, ours ${duration(ours / timedSteps)} a step`;
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
