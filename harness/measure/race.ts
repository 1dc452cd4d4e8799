import { UnsupportedTask } from '../../impls/contract.ts';
import { ImplementationFailure } from '../program/implementation-failure.ts';
import { rowName } from '../results/names.ts';
import { medianInterval, relativeHalfWidth } from '../statistics/median-interval.ts';
import { isPreciseEnough } from '../statistics/stopping.ts';
import type { VerifiedLosses } from '../verify/gate.ts';
import { type Contender, type Refusal, WrongLosses } from './contender.ts';
import { lapCuts } from './lap.ts';
import type { Pace } from './pace.ts';
import { type ProcessSample, sampleProcess } from './process-sample.ts';
import { roundOrders } from './schedule.ts';
import { type Scouting, scout } from './scouting.ts';

/** What became of one contender so far. A refused one has no times, so none can be printed. */
export type Entry =
  | { readonly state: 'waiting'; readonly contender: Contender }
  | { readonly state: 'refused'; readonly contender: Contender; readonly refusal: Refusal }
  | {
      readonly state: 'racing';
      readonly contender: Contender;
      readonly scouting: Scouting;
      /** One process a round; undefined for a round that was cut short before this one's turn. */
      readonly samples: readonly (ProcessSample | undefined)[];
    };

export type RacingEntry = Entry & { readonly state: 'racing' };

/** How many rounds: as many as said, or until every interval is narrow enough or the time is used up. */
export type RoundLimit =
  | { readonly rounds: number }
  | {
      /** Half width of the widest interval over its median at which the race ends. */
      readonly precision: number;
      readonly budgetMilliseconds: number;
      readonly mostRounds?: number;
    };

/** What a spectator is told, as it happens. */
export type RaceEvent =
  | { readonly kind: 'verifying'; readonly entry: number }
  | { readonly kind: 'verified'; readonly entry: number }
  | { readonly kind: 'sampling'; readonly round: number; readonly entry: number }
  /** Something measured just now is in `entries`: time to save it. */
  | { readonly kind: 'sampled'; readonly round: number; readonly entry: number }
  | { readonly kind: 'round'; readonly round: number; readonly widest: number };

export interface RaceOptions {
  /** How many steps of the reference are known: the longest lap there can be. */
  readonly stepsKnown: number;
  /** Documents a step. */
  readonly batch: number;
  readonly pace: Pace;
  readonly limit: RoundLimit;
  /** Names of the rows that others are compared with. */
  readonly baselines: readonly string[];
  /** Seed of the order of the rounds. */
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onEvent?: (event: RaceEvent, entries: readonly Entry[]) => void | Promise<void>;
  /** Monotonic clock, in milliseconds. */
  readonly now?: () => number;
}

/**
 * Verifies every contender, then times the right ones in rounds: each round takes all of them in a new random order, each
 * in a fresh process. A contender that breaks or turns out wrong is refused and the others go on.
 *
 * Ends early, without an error, when the signal is aborted: what was measured until then is in the entries.
 */
export async function race(contenders: readonly Contender[], options: RaceOptions): Promise<readonly Entry[]> {
  const { signal, onEvent, now = () => performance.now() } = options;
  const start = now();
  const entries: Entry[] = contenders.map((contender) => ({ state: 'waiting', contender }));
  const tell = async (event: RaceEvent) => onEvent?.(event, entries);

  for (const [index, contender] of contenders.entries()) {
    if (signal.aborted) return entries;
    await tell({ kind: 'verifying', entry: index });
    const entry = await refuseOnFailure(contender, signal, async () => {
      const admission = await contender.admit?.(signal);
      if (admission !== undefined && admission.status !== 'verified') {
        return { state: 'refused', contender, refusal: admission };
      }
      const scouting = await scout(contender, options, signal);
      return { state: 'racing', contender, scouting: furthest(scouting, admission), samples: [] };
    });
    if (entry === undefined) return entries;
    entries[index] = entry;
    await tell({ kind: 'verified', entry: index });
  }

  let longestRound = 0;
  let round = 0;
  for (const order of roundOrders(contenders.length, options.seed)) {
    const roundStart = now();
    if (!entries.some(isRacing) || signal.aborted) break;
    if (isEnough(entries, round, options.limit, roundStart - start + longestRound)) break;
    for (const index of order) {
      const entry = entries[index];
      if (!isRacing(entry)) continue;
      await tell({ kind: 'sampling', round, entry: index });
      const sampled = await refuseOnFailure(entry.contender, signal, async () =>
        withSample(entry, round, await sample(entry, entries, options)),
      );
      if (sampled === undefined) return entries;
      entries[index] = sampled;
      await tell({ kind: 'sampled', round, entry: index });
    }
    longestRound = Math.max(longestRound, now() - roundStart);
    await tell({ kind: 'round', round, widest: widestInterval(entries) });
    round++;
  }
  return entries;
}

export function isRacing(entry: Entry): entry is RacingEntry {
  return entry.state === 'racing';
}

/** Time of the first `steps` steps in every round, in nanoseconds; undefined where a round was cut short. */
export function nanosecondsByRound(entry: RacingEntry, steps: number): readonly (number | undefined)[] {
  return entry.samples.map((sample) => sample?.nanosecondsToCut.get(steps));
}

/** Verification went further than scouting did, as a rule. */
function furthest(scouting: Scouting, admission: VerifiedLosses | undefined): Scouting {
  if (admission === undefined || admission.stepsVerified <= scouting.stepsVerified) return scouting;
  const { stepsVerified, maxLossError, tolerance } = admission;
  return { ...scouting, stepsVerified, maxLossError: Math.max(maxLossError, scouting.maxLossError), tolerance };
}

async function sample(entry: RacingEntry, entries: readonly Entry[], options: RaceOptions): Promise<ProcessSample> {
  const { pace, signal, now } = options;
  return sampleProcess(entry.contender, {
    cuts: lapCuts(entry.scouting.lapSteps, comparedLengths(entry, entries, options.baselines)),
    lapNanoseconds: entry.scouting.lapNanoseconds,
    pace,
    signal,
    ...(now === undefined ? {} : { now }),
  });
}

/** A baseline is compared with everyone, everyone with the baselines. */
function comparedLengths(
  entry: RacingEntry,
  entries: readonly Entry[],
  baselines: readonly string[],
): readonly number[] {
  const isBaseline = ({ contender }: Entry) => baselines.includes(rowName(contender.identity));
  const others = isBaseline(entry) ? entries : entries.filter(isBaseline);
  return others.filter(isRacing).map((other) => other.scouting.lapSteps);
}

function withSample(entry: RacingEntry, round: number, sample: ProcessSample): RacingEntry {
  const samples = [...entry.samples];
  while (samples.length < round) samples.push(undefined);
  samples[round] = sample;
  return { ...entry, samples };
}

function isEnough(entries: readonly Entry[], rounds: number, limit: RoundLimit, forecast: number): boolean {
  if ('rounds' in limit) return rounds >= limit.rounds;
  if (rounds === 0) return false;
  if (rounds >= (limit.mostRounds ?? Number.POSITIVE_INFINITY)) return true;
  if (forecast > limit.budgetMilliseconds) return true;
  return entries.filter(isRacing).every((entry) => isPreciseEnough(lapTimes(entry), limit.precision));
}

/** Half width of the widest interval, as a fraction of its median. */
function widestInterval(entries: readonly Entry[]): number {
  const widths = entries.filter(isRacing).map((entry) => {
    const times = lapTimes(entry);
    return times.length < 2 ? Number.POSITIVE_INFINITY : relativeHalfWidth(medianInterval(times));
  });
  return Math.max(0, ...widths);
}

/** Of whole laps, one a round that was not cut short. */
function lapTimes(entry: RacingEntry): readonly number[] {
  return nanosecondsByRound(entry, entry.scouting.lapSteps).filter((time) => time !== undefined);
}

/** The entry that `work` yields, a refused one where it failed, undefined where it was interrupted. */
async function refuseOnFailure(
  contender: Contender,
  signal: AbortSignal,
  work: () => Promise<Entry>,
): Promise<Entry | undefined> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted) return undefined;
    return { state: 'refused', contender, refusal: refusalOf(error) };
  }
}

/** What a failure says in the table. Anything that is not the implementation's own failure is a bug of ours, and goes up. */
function refusalOf(error: unknown): Refusal {
  if (error instanceof WrongLosses) return { status: 'mismatch', reason: error.message };
  if (error instanceof UnsupportedTask) return { status: 'unsupported', reason: error.message };
  if (error instanceof ImplementationFailure) return { status: 'error', reason: error.message };
  throw error;
}
