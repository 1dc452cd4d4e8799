import { availableParallelism } from 'node:os';
import { mean } from 'simple-statistics';
import { type TrainingTask, UnsupportedTask } from '../../impls/contract.ts';
import { printableLine } from '../printable.ts';
import { ImplementationFailure, quote } from '../program/implementation-failure.ts';
import type { Precision } from '../program/manifest.ts';
import { repeatIfStopped, runningMilliseconds } from '../program/running-clock.ts';
import { rowName } from '../results/names.ts';
import type { RefusedRow, RowIdentity, VerifiedRow } from '../results/schema.ts';
import { medianInterval, relativeHalfWidth } from '../statistics/median-interval.ts';
import { isPreciseEnough } from '../statistics/stopping.ts';
import { type Admission, type Contender, type Refusal, type Witness, WrongLaps } from './contender.ts';
import { LapDeck } from './lap-deck.ts';
import type { MachinePeaks } from './machine.ts';
import type { Pace } from './pace.ts';
import { NoLapLeft, type ProcessSample, type StartedProcess, sampleProcess, startProcess } from './process-sample.ts';
import { roundOrders } from './schedule.ts';
import { OutOfTime, TimeBudget } from './time-budget.ts';
import { clockFault } from './two-clocks.ts';
import { averageMatrixFlops } from './work-of-step.ts';

/** What became of one row so far. A refused one has no times: it is what the table shows. */
export type Entry =
  | RefusedRow
  | { readonly status: 'waiting'; readonly contender: Contender }
  | {
      readonly status: 'racing';
      readonly contender: Contender;
      readonly admission: Admission;
      /** With the first, which is not timed. */
      readonly lapSteps: number;
      /** One process a round, verified; undefined for a round that it sat out. */
      readonly samples: readonly (ProcessSample | undefined)[];
      /** Of the timed laps, all rounds together. */
      readonly checked: Pick<VerifiedRow, 'stepsVerified' | 'stepsForced' | 'fractionOfBound'>;
    };

export type RacingEntry = Entry & { readonly status: 'racing' };

/** As many rounds as said, or until every interval is narrow enough or the time is up. */
export type RoundLimit =
  | { readonly rounds: number }
  | {
      /** Of the widest interval, half width over median. */
      readonly precision: number;
      /** Counted from the start of the first round. */
      readonly budgetMilliseconds: number;
      readonly mostRounds?: number;
    };

/** What a spectator is told. */
export type RaceEvent =
  | { readonly kind: 'verifying'; readonly entry: number }
  | { readonly kind: 'verified'; readonly entry: number }
  | { readonly kind: 'starting'; readonly round: number; readonly entry: number }
  | { readonly kind: 'sampling'; readonly round: number; readonly entry: number }
  /** What was timed in this round is repeated and checked. */
  | { readonly kind: 'checking'; readonly round: number; readonly entry: number }
  /** What was timed in this round is right, and in `entries`. */
  | { readonly kind: 'round'; readonly round: number; readonly widest: number };

export interface RaceOptions {
  readonly task: TrainingTask;
  readonly pace: Pace;
  readonly limit: RoundLimit;
  /** Of the laps and of the order of the rounds; nobody may know it before the run. */
  readonly seed: number;
  readonly repeated?: RepeatedLaps | undefined;
  /** Of an earlier run's laps. */
  readonly usedDocuments?: readonly number[] | undefined;
  /** What the float64 model needs to check one step. */
  readonly forcedStepMilliseconds: number;
  /** A time beyond these on all its cores is impossible. */
  readonly peaks?: MachinePeaks;
  readonly signal: AbortSignal;
  /** Of the race and of each row; unlimited by default. */
  readonly budget?: TimeBudget;
  readonly onEvent?: (
    event: RaceEvent,
    entries: readonly Entry[],
    firstDocuments: Race['firstDocuments'],
  ) => void | Promise<void>;
  /** Monotonic clock, in milliseconds. */
  readonly now?: () => number;
}

interface RepeatedLaps {
  /** Round by round. */
  readonly firstDocuments: readonly (readonly number[])[];
  /** By the name of the row. */
  readonly lapSteps: ReadonlyMap<string, number>;
}

interface Race {
  readonly entries: readonly Entry[];
  /** Of the timed laps, round by round. */
  readonly firstDocuments: readonly (readonly number[])[];
}

/** For every row, however slow: fewer give no useful interval. */
export const FEWEST_PROCESSES = 3;
/** A row whose process takes more than this share of the budget, and twice as long as the others, sits out later rounds. */
const MOST_OF_BUDGET = 0.025;
/** Steps of every process that are checked from the row's own state, besides one whole lap of its first. */
const EXTRA_STEPS = 24;
/** So many are verified at once, while nothing is timed. */
const VERIFIED_SIDE_BY_SIDE = 2;
/** So many are checked at once: they mostly wait for each other's turn in the harness. */
const CHECKED_SIDE_BY_SIDE = 4;

/**
 * Verifies every row, then times the right ones in rounds. Each round starts a fresh process of every row, one on each core. Only
 * when all wait are they timed, one alone after the other in a new random order, over the same laps; then a second process of each
 * row repeats what was timed, and it is checked. A row that breaks, is wrong or tells an untrue time is refused; the others go on.
 *
 * If the signal is aborted, it ends without an error, with what was checked until then.
 */
export async function race(lineUp: readonly Entry[], options: RaceOptions): Promise<Race> {
  const { task, pace, limit, seed, repeated, onEvent, now = runningMilliseconds } = options;
  const { budget = new TimeBudget({}, options.signal) } = options;
  const { signal } = budget;
  const deck = new LapDeck(task, seed, repeated?.firstDocuments, options.usedDocuments);
  const entries = [...lineUp];
  const firstDocuments: (readonly number[])[] = [];
  const witnesses = new Map<Contender, Witness>();
  const tell = async (event: RaceEvent) => onEvent?.(event, entries, firstDocuments);
  /** Rows that have used their time, and keep their rounds. */
  const retired = new Set<Contender>();
  /** They have trained a step, and wait to be timed. */
  const started = new Map<Contender, StartedProcess>();
  const start = async (contender: Contender): Promise<StartedProcess> => {
    const before = started.get(contender);
    started.delete(contender);
    await before?.trainer.quit();
    const process = await startProcess(contender, deck, budget.signalOf(contender));
    started.set(contender, process);
    return process;
  };
  /** Milliseconds of all its work so far, by entry. */
  const spent = new Map<number, number>();
  /** So that no slow row works alone at the end. */
  const longestFirst = (indexes: Iterable<number>) =>
    [...indexes].sort((a, b) => (spent.get(b) ?? 0) - (spent.get(a) ?? 0));
  /** Sets the entry that `work` returns, a refused one if it fails. False if interrupted. */
  const update = async (index: number, contender: Contender, work: () => Promise<Entry>): Promise<boolean> => {
    const entry = entries[index];
    const began = now();
    try {
      entries[index] = await budget.spend(contender, work);
    } catch (error) {
      if (signal.aborted) return false;
      if (error instanceof OutOfTime && isRacing(entry) && entry.samples.length > 0) retired.add(contender);
      else entries[index] = { ...contender.identity, ...refusalOf(error) };
    }
    spent.set(index, (spent.get(index) ?? 0) + now() - began);
    return !signal.aborted;
  };
  const rests = (contender: Contender, round: number) =>
    retired.has(contender) || sitsOut(contender, round, limit, milliseconds);
  /** Of the last round, by row. */
  const milliseconds = new Map<Contender, number>();
  const racing = () => [...entries.entries()].filter((pair): pair is [number, RacingEntry] => isRacing(pair[1]));

  try {
    await sideBySide(VERIFIED_SIDE_BY_SIDE, entries.entries(), async ([index, entry]) => {
      if (signal.aborted || entry.status !== 'waiting') return;
      const { contender } = entry;
      await tell({ kind: 'verifying', entry: index });
      const done = await update(index, contender, async () => {
        const ends = budget.signalOf(contender);
        const admission = await contender.admit(ends, (trainer) => {
          witnesses.set(contender, contender.witness(ends, trainer));
        });
        if (admission.status !== 'verified') return { ...contender.identity, ...admission };
        const lapSteps =
          repeated?.lapSteps.get(rowName(contender.identity)) ?? lapLength(admission.nanosecondsPerStep, options);
        const checked = { stepsVerified: 0, stepsForced: 0, fractionOfBound: 0 };
        return { status: 'racing', contender, admission, lapSteps, samples: [], checked };
      });
      if (done) await tell({ kind: 'verified', entry: index });
    });
    const raceStart = now();
    const needs = racing().map(([, entry]) => [entry.contender, neededMilliseconds(entry, pace)] as const);
    budget.startRounds(new Map(needs), needs.length * fewestMilliseconds(pace));
    let longestRound = 0;
    let round = 0;
    for (const order of roundOrders(entries.length, seed)) {
      const roundStart = now();
      if (racing().length === 0 || signal.aborted) break;
      const going = racing().filter(([, { contender }]) => !rests(contender, round));
      const forecast = roundStart - raceStart + longestRound;
      if (
        isEnough(
          going.map(([, entry]) => entry),
          round,
          limit,
          forecast,
        )
      )
        break;
      const laps = deck.round(
        round,
        racing().map(([, { lapSteps }]) => lapSteps),
      );
      await sideBySide(availableParallelism(), longestFirst(new Map(going).keys()), async (index) => {
        const entry = entries[index];
        if (!isRacing(entry) || signal.aborted) return;
        await tell({ kind: 'starting', round, entry: index });
        const began = now();
        await update(index, entry.contender, async () => {
          await repeatIfStopped(() => start(entry.contender));
          return entry;
        });
        milliseconds.set(entry.contender, now() - began);
      });
      if (signal.aborted) break;
      const sampled = new Map<number, ProcessSample>();
      for (const index of order) {
        const entry = entries[index];
        if (!isRacing(entry) || !started.has(entry.contender) || retired.has(entry.contender)) continue;
        const { contender, lapSteps } = entry;
        await tell({ kind: 'sampling', round, entry: index });
        const began = now();
        const lapNanoseconds = lapSteps * entry.admission.nanosecondsPerStep;
        const done = await update(index, contender, async () => {
          const sample = async () => {
            const running = started.get(contender) ?? (await start(contender));
            started.delete(contender);
            return sampleProcess(contender.identity.implementation, running, {
              deck,
              lapOf: laps.lapOf,
              lapSteps,
              lapNanoseconds,
              pace,
              signal: budget.signalOf(contender),
            });
          };
          sampled.set(index, await repeatIfStopped(sample));
          return entry;
        });
        if (!done) return { entries, firstDocuments };
        milliseconds.set(contender, (milliseconds.get(contender) ?? 0) + now() - began);
      }
      await sideBySide(CHECKED_SIDE_BY_SIDE, longestFirst(sampled.keys()), async (index) => {
        const [entry, sample] = [entries[index], sampled.get(index)];
        if (!isRacing(entry) || sample === undefined || signal.aborted) return;
        await tell({ kind: 'checking', round, entry: index });
        const { contender } = entry;
        await update(index, contender, async () => {
          const witness = witnesses.get(contender) ?? contender.witness(budget.signalOf(contender));
          witnesses.set(contender, witness);
          const checked = await check(entry, sample, witness, options);
          const samples = Array.from({ length: round + 1 }, (_, i) => (i === round ? sample : entry.samples[i]));
          return { ...entry, samples, checked };
        });
      });
      if (signal.aborted) break;
      firstDocuments.push(laps.taken);
      longestRound = Math.max(longestRound, now() - roundStart);
      await tell({ kind: 'round', round, widest: widestInterval(entries) });
      round++;
      if (deck.isEmpty) break;
    }
  } finally {
    const processes = [...witnesses.values(), ...[...started.values()].map(({ trainer }) => trainer)];
    await Promise.all(processes.map((process) => process.quit().catch(() => undefined)));
  }
  return { entries, firstDocuments };
}

export function identityOf(entry: Entry): RowIdentity {
  return 'contender' in entry ? entry.contender.identity : entry;
}

export function isRacing(entry: Entry): entry is RacingEntry {
  return entry.status === 'racing';
}

/** Of a document; undefined for a round that it sat out. */
export function nanosecondsByRound(entry: RacingEntry): readonly (number | undefined)[] {
  return entry.samples.map((sample) => sample?.nanosecondsPerDocument);
}

/** First the laps are checked; then the clock, with those of the rounds before. */
async function check(
  entry: RacingEntry,
  sample: ProcessSample,
  witness: Witness,
  options: RaceOptions,
): Promise<RacingEntry['checked']> {
  const { contender, samples, checked } = entry;
  const verdict = await witness.check(sample.laps, { wholeLap: samples.length === 0, extraSteps: EXTRA_STEPS });
  const fault =
    clockFault([...samples.filter((one) => one !== undefined), sample]) ??
    ceilingFault(sample, contender.identity.precision, options);
  if (fault !== undefined) throw new WrongLaps(fault);
  return {
    stepsVerified: checked.stepsVerified + verdict.stepsCompared,
    stepsForced: checked.stepsForced + verdict.stepsForced,
    fractionOfBound: Math.max(checked.fractionOfBound, verdict.fractionOfBound),
  };
}

/** The peak was measured in a fraction of a second; a processor may do somewhat better in another. */
const CEILING_SLACK = 1.15;

function ceilingFault(sample: ProcessSample, precision: Precision, { task, peaks }: RaceOptions): string | undefined {
  const peak = peaks?.nativePeakGflops?.[precision];
  if (peak === undefined) return undefined;
  const cores = Math.max(1, sample.coresUsed ?? availableParallelism());
  const gflops = averageMatrixFlops(task) / sample.nanosecondsPerDocument;
  if (gflops <= CEILING_SLACK * peak * cores) return undefined;
  return `its time means ${gflops.toPrecision(3)} GFLOP/s on ${cores.toPrecision(2)} cores; this machine reaches ${peak.toPrecision(3)} on each: impossible`;
}

/** The first, and as many timed ones as fit into the pace and the schedule. */
function lapLength(nanosecondsPerStep: number, { pace, task, forcedStepMilliseconds }: RaceOptions): number {
  const fitting = (milliseconds: number) => Math.floor((milliseconds * 1e6) / nanosecondsPerStep);
  const fewest = Math.ceil(pace.fewestDocuments / task.batch);
  const wanted = Math.max(fitting(pace.lapMilliseconds), Math.min(fewest, fitting(pace.slowLapMilliseconds)), 1);
  const forced = Math.floor(pace.forcedLapMilliseconds / forcedStepMilliseconds);
  return Math.min(1 + Math.min(wanted, Math.max(forced, fewest)), task.numSteps);
}

/** For the fewest processes of a row, each done again in the witness, on a machine half as fast as when it was verified. */
function neededMilliseconds({ lapSteps, admission }: RacingEntry, pace: Pace): number {
  const lap = (lapSteps * admission.nanosecondsPerStep) / 1e6;
  return fewestMilliseconds(pace) + 4 * FEWEST_PROCESSES * lap;
}

/** Of that, what a row cannot change. */
function fewestMilliseconds({ warmUpMilliseconds, samplingMilliseconds }: Pace): number {
  return 2 * FEWEST_PROCESSES * (warmUpMilliseconds + samplingMilliseconds);
}

/** It has its fewest rounds and takes much of the time, so the others get more rounds. */
function sitsOut(
  contender: Contender,
  round: number,
  limit: RoundLimit,
  milliseconds: ReadonlyMap<Contender, number>,
): boolean {
  if ('rounds' in limit || round < FEWEST_PROCESSES) return false;
  const own = milliseconds.get(contender) ?? 0;
  const others = [...milliseconds.entries()].filter(([other]) => other !== contender).map(([, time]) => time);
  return own > MOST_OF_BUDGET * limit.budgetMilliseconds && others.length > 0 && own > 2 * mean(others);
}

function isEnough(entries: readonly RacingEntry[], rounds: number, limit: RoundLimit, forecast: number): boolean {
  if ('rounds' in limit) return rounds >= limit.rounds;
  if (rounds < FEWEST_PROCESSES) return false;
  if (rounds >= (limit.mostRounds ?? Number.POSITIVE_INFINITY)) return true;
  if (forecast > limit.budgetMilliseconds) return true;
  return entries.every((entry) => isPreciseEnough(times(entry), limit.precision));
}

/** Half width of the widest interval, as a fraction of its median. */
function widestInterval(entries: readonly Entry[]): number {
  const widths = entries.filter(isRacing).map((entry) => {
    const own = times(entry);
    return own.length < 2 ? Number.POSITIVE_INFINITY : relativeHalfWidth(medianInterval(own));
  });
  return Math.max(0, ...widths);
}

function times(entry: RacingEntry): readonly number[] {
  return nanosecondsByRound(entry).filter((time) => time !== undefined);
}

/** Works on all items, so many at a time, in their order. If work on one fails, it ends when what has begun has ended. */
async function sideBySide<T>(many: number, items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const worker = async () => {
    try {
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
    } catch (error) {
      waiting.length = 0;
      throw error;
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: many }, worker));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** What a failure becomes in the table. Anything but a failure of the implementation is a bug of ours, and is thrown on. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof WrongLaps) return { status: 'mismatch', reason: error.message };
  if (error instanceof UnsupportedTask) return { status: 'unsupported', reason: error.message };
  if (error instanceof OutOfTime) return { status: 'error', reason: error.message };
  if (error instanceof ImplementationFailure) return { status: 'error', reason: `${error.message}${lastWords(error)}` };
  if (error instanceof NoLapLeft)
    return { status: 'unsupported', reason: 'no document is left for a lap to begin with' };
  throw error;
}

/** Of its standard error, which mostly tells what went wrong. */
function lastWords({ stderrTail }: ImplementationFailure): string {
  const line = stderrTail
    .split('\n')
    .filter((text) => text.trim() !== '')
    .at(-1);
  return line === undefined ? '' : `; the last it said there: ${quote(printableLine(line), 200)}`;
}
