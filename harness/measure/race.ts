import { availableParallelism } from 'node:os';
import type { TrainingTask } from '../../impls/contract.ts';
import { repeatIfStopped, runningMilliseconds } from '../program/running-clock.ts';
import { rowName } from '../results/names.ts';
import { medianInterval, relativeHalfWidth } from '../statistics/median-interval.ts';
import { checkSample, timesJudged } from './check-sample.ts';
import type { Contender, Witness } from './contender.ts';
import { type Entry, isRacing, type RacingEntry, refusalOf, times, withSample } from './entry.ts';
import { LapDeck, type LapOf } from './lap-deck.ts';
import type { MachinePeaks } from './machine.ts';
import type { Pace } from './pace.ts';
import { type ProcessSample, type StartedProcess, sampleProcess, startProcess } from './process-sample.ts';
import { FEWEST_PROCESSES, isEnough, type RoundLimit, sitsOut } from './round-limit.ts';
import { roundOrders } from './schedule.ts';
import { sideBySide } from './side-by-side.ts';
import { OutOfTime, TimeBudget } from './time-budget.ts';

/** What a spectator is told. */
export type RaceEvent =
  | { readonly kind: 'verifying'; readonly entry: number }
  | { readonly kind: 'verified'; readonly entry: number }
  | { readonly kind: 'starting'; readonly round: number; readonly entry: number }
  | { readonly kind: 'sampling'; readonly round: number; readonly entry: number }
  /** What was timed in this round is repeated and checked; meanwhile the next round starts. */
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

/** So many work at once while nothing is timed. One more than cores, for all wait for the harness now and then. */
const WORK_SIDE_BY_SIDE = availableParallelism() + 1;

/** Laps are lengthened if so many times as many steps would fit: before anything is kept of the row, and later. */
const TOO_SHORT = { first: 2, later: 8 };
const NOTHING_CHECKED = { stepsVerified: 0, stepsForced: 0, fractionOfBound: 0 };

/**
 * Verifies every row, then times the right ones in rounds, each with a fresh process of every row. Only when all wait are they timed,
 * one alone after the other in a new random order, over the same laps. Then a second process of each row repeats what was timed, and
 * it is checked; meanwhile the processes of the next round start. A row that breaks, is wrong or tells an untrue time is refused; the
 * others go on.
 *
 * If the signal is aborted, it ends without an error, with what was checked until then.
 */
export async function race(lineUp: readonly Entry[], options: RaceOptions): Promise<Race> {
  const running = new RunningRace(lineUp, options);
  try {
    await running.verify();
    await running.timeInRounds();
  } finally {
    await running.endProcesses();
  }
  // An interrupted run may be resumed.
  return { entries: running.judged(!options.signal.aborted), firstDocuments: running.firstDocuments };
}

class RunningRace {
  readonly entries: Entry[];
  readonly firstDocuments: (readonly number[])[] = [];
  readonly #options: RaceOptions;
  readonly #now: () => number;
  readonly #budget: TimeBudget;
  readonly #signal: AbortSignal;
  readonly #deck: LapDeck;
  readonly #witnesses = new Map<Contender, Witness>();
  /** They have trained a step, and wait to be timed. */
  readonly #waiting = new Map<Contender, StartedProcess>();
  /** Rows that have used their time, and keep their rounds. */
  readonly #retired = new Set<Contender>();
  /** Of all work so far, by entry. */
  readonly #milliseconds = new Map<number, number>();
  /** Of the last round, from the start of a process to the end of its laps. */
  readonly #lastMilliseconds = new Map<Contender, number>();

  constructor(lineUp: readonly Entry[], options: RaceOptions) {
    const { task, seed, repeated, usedDocuments, now = runningMilliseconds } = options;
    this.entries = [...lineUp];
    this.#options = options;
    this.#now = now;
    this.#budget = options.budget ?? new TimeBudget({}, options.signal);
    this.#signal = this.#budget.signal;
    this.#deck = new LapDeck(task, seed, repeated?.firstDocuments, usedDocuments);
  }

  async verify(): Promise<void> {
    await sideBySide(WORK_SIDE_BY_SIDE, this.entries.entries(), async ([index, entry]) => {
      if (this.#signal.aborted || entry.status !== 'waiting') return;
      const { contender } = entry;
      await this.#tell({ kind: 'verifying', entry: index });
      const done = await this.#work(index, contender, () => this.#admit(contender));
      if (done) await this.#tell({ kind: 'verified', entry: index });
    });
  }

  async timeInRounds(): Promise<void> {
    const { pace, limit, seed } = this.#options;
    const needs = this.#racing().map(([, entry]) => [entry.contender, neededMilliseconds(entry, pace)] as const);
    this.#budget.startRounds(new Map(needs), needs.length * fewestMilliseconds(pace));
    const roundsBegan = this.#now();
    await this.#sideBySide(this.#racing().map(([index]) => ({ index, work: () => this.#start(index, 0) })));
    let [longestRound, longestCheck] = [0, 0];
    let round = 0;
    for (const order of roundOrders(this.entries.length, seed)) {
      if (this.#waiting.size === 0 || this.#signal.aborted) return;
      const began = this.#now();
      const { samples, documents } = await this.#timeRound(round, order);
      if (this.#signal.aborted) return;
      const timed = this.#now();
      // Decided before the check, for the next round starts meanwhile.
      const next = this.#racing().filter(([, { contender }]) => !this.#rests(contender, round + 1));
      const timedRows = next.map(([index, entry]) => withSample(entry, round, samples.get(index)));
      const forecast = timed - roundsBegan + longestCheck + longestRound;
      const isLast = this.#deck.isEmpty || isEnough(timedRows, round + 1, limit, forecast);
      await this.#checkRound(round, samples, isLast ? [] : next.map(([index]) => index));
      if (this.#signal.aborted) return;
      this.firstDocuments.push(documents);
      longestCheck = Math.max(longestCheck, this.#now() - timed);
      longestRound = Math.max(longestRound, this.#now() - began);
      await this.#tell({ kind: 'round', round, widest: widestInterval(this.judged(false)) });
      if (isLast) return;
      round++;
    }
  }

  /** As it is shown and kept. @param isOver whether no round follows */
  judged(isOver: boolean): readonly Entry[] {
    return this.entries.map((entry) => timesJudged(entry, this.#options, isOver));
  }

  async endProcesses(): Promise<void> {
    const processes = [...this.#witnesses.values(), ...[...this.#waiting.values()].map(({ trainer }) => trainer)];
    await Promise.all(processes.map((process) => process.quit().catch(() => undefined)));
  }

  async #admit(contender: Contender): Promise<Entry> {
    const ends = this.#budget.signalOf(contender);
    const admission = await contender.admit(ends, (trainer) => {
      this.#witnesses.set(contender, contender.witness(ends, trainer));
    });
    if (admission.status !== 'verified') return { ...contender.identity, ...admission };
    const lapSteps = this.#lapSteps(contender, admission.nanosecondsPerStep);
    return { status: 'racing', contender, admission, lapSteps, samples: [], checked: NOTHING_CHECKED };
  }

  #lapSteps({ identity }: Contender, nanosecondsPerStep: number): number {
    return this.#options.repeated?.lapSteps.get(rowName(identity)) ?? lapLength(nanosecondsPerStep, this.#options);
  }

  /** Starts the process of a round, beside other work. */
  async #start(index: number, round: number): Promise<void> {
    const entry = this.entries[index];
    if (!isRacing(entry) || this.#signal.aborted) return;
    const { contender } = entry;
    await this.#tell({ kind: 'starting', round, entry: index });
    const began = this.#now();
    await this.#work(index, contender, async () => {
      await repeatIfStopped(() => this.#startAnew(contender));
      return undefined;
    });
    this.#lastMilliseconds.set(contender, this.#now() - began);
  }

  async #startAnew(contender: Contender): Promise<StartedProcess> {
    await this.#dismiss(contender);
    const process = await startProcess(contender, this.#deck, this.#budget.signalOf(contender));
    this.#waiting.set(contender, process);
    return process;
  }

  async #dismiss(contender: Contender): Promise<void> {
    const waiting = this.#waiting.get(contender);
    this.#waiting.delete(contender);
    await waiting?.trainer.quit();
  }

  /** Times the processes that wait, one alone after the other. */
  async #timeRound(
    round: number,
    order: readonly number[],
  ): Promise<{ readonly samples: ReadonlyMap<number, ProcessSample>; readonly documents: readonly number[] }> {
    const lengths = this.#racing().map(([, { lapSteps }]) => lapSteps);
    const { lapOf, taken: documents } = this.#deck.round(round, lengths);
    const samples = new Map<number, ProcessSample>();
    for (const index of order) {
      const entry = this.entries[index];
      if (!isRacing(entry) || !this.#waiting.has(entry.contender)) continue;
      const { contender } = entry;
      await this.#tell({ kind: 'sampling', round, entry: index });
      const began = this.#now();
      const done = await this.#work(index, contender, async () => {
        samples.set(index, await this.#sampleInLongLaps(index, entry, lapOf));
        return undefined;
      });
      if (!done) break;
      this.#lastMilliseconds.set(contender, (this.#lastMilliseconds.get(contender) ?? 0) + this.#now() - began);
    }
    return { samples, documents };
  }

  /**
   * A row may turn out much faster than when it was verified. Its laps would be so short that a lie as small as what a word costs
   * would matter. So it takes longer ones, in a process that begins at other documents; what it took in short laps is left out.
   */
  async #sampleInLongLaps(index: number, entry: RacingEntry, lapOf: LapOf): Promise<ProcessSample> {
    const sample = await repeatIfStopped(() => this.#sample(entry, lapOf));
    const nanosecondsPerStep = Math.min(...sample.laps.map(({ wall, timedSteps }) => wall.rest / timedSteps));
    const lapSteps = this.#lapSteps(entry.contender, nanosecondsPerStep);
    const tooShort = entry.samples.length === 0 ? TOO_SHORT.first : TOO_SHORT.later;
    if (lapSteps < tooShort * entry.lapSteps) return sample;
    const admission = { ...entry.admission, nanosecondsPerStep };
    const longer: RacingEntry = { ...entry, admission, lapSteps, samples: [], checked: NOTHING_CHECKED };
    this.entries[index] = longer;
    return this.#sampleInLongLaps(index, longer, (n) => lapOf(sample.laps.length + n));
  }

  async #sample({ contender, lapSteps, admission }: RacingEntry, lapOf: LapOf): Promise<ProcessSample> {
    const running = this.#waiting.get(contender) ?? (await this.#startAnew(contender));
    this.#waiting.delete(contender);
    return sampleProcess(contender.identity.implementation, running, {
      deck: this.#deck,
      lapOf,
      lapSteps,
      lapNanoseconds: lapSteps * admission.nanosecondsPerStep,
      pace: this.#options.pace,
      signal: this.#budget.signalOf(contender),
    });
  }

  /** Checks what was timed in a round; meanwhile these rows start the process of the next one. */
  async #checkRound(
    round: number,
    samples: ReadonlyMap<number, ProcessSample>,
    next: readonly number[],
  ): Promise<void> {
    await this.#sideBySide([
      ...[...samples].map(([index, sample]) => ({ index, work: () => this.#check(index, round, sample) })),
      ...next.map((index) => ({ index, work: () => this.#start(index, round + 1) })),
    ]);
    const staying = new Set(this.#racing().map(([, { contender }]) => contender)).difference(this.#retired);
    for (const contender of this.#waiting.keys()) if (!staying.has(contender)) await this.#dismiss(contender);
  }

  async #check(index: number, round: number, sample: ProcessSample): Promise<void> {
    const entry = this.entries[index];
    if (!isRacing(entry) || this.#signal.aborted) return;
    const { contender } = entry;
    await this.#tell({ kind: 'checking', round, entry: index });
    await this.#work(index, contender, async () => {
      const witness = this.#witnesses.get(contender) ?? contender.witness(this.#budget.signalOf(contender));
      this.#witnesses.set(contender, witness);
      const checked = await checkSample(entry, sample, witness, this.#options);
      // Its next process may have failed meanwhile.
      return isRacing(this.entries[index]) ? { ...withSample(entry, round, sample), checked } : undefined;
    });
  }

  /** The rows that took longest until now come first, so that none works alone at the end. */
  async #sideBySide(jobs: readonly { readonly index: number; readonly work: () => Promise<void> }[]): Promise<void> {
    const spent = (index: number) => this.#milliseconds.get(index) ?? 0;
    const longestFirst = jobs.toSorted((a, b) => spent(b.index) - spent(a.index));
    await sideBySide(WORK_SIDE_BY_SIDE, longestFirst, ({ work }) => work());
  }

  /** Sets the entry that `work` returns, a refused one if it fails. False if interrupted. */
  async #work(index: number, contender: Contender, work: () => Promise<Entry | undefined>): Promise<boolean> {
    const began = this.#now();
    try {
      const entry = await this.#budget.spend(contender, work);
      if (entry !== undefined) this.entries[index] = entry;
    } catch (error) {
      if (this.#signal.aborted) return false;
      const entry = this.entries[index];
      if (error instanceof OutOfTime && isRacing(entry) && entry.samples.length > 0) this.#retired.add(contender);
      // What was wrong is wrong, whatever breaks after it.
      else if ('contender' in entry) this.entries[index] = { ...contender.identity, ...refusalOf(error) };
    }
    this.#milliseconds.set(index, (this.#milliseconds.get(index) ?? 0) + this.#now() - began);
    return !this.#signal.aborted;
  }

  #rests(contender: Contender, roundsDone: number): boolean {
    return this.#retired.has(contender) || sitsOut(contender, roundsDone, this.#options.limit, this.#lastMilliseconds);
  }

  #racing(): readonly (readonly [index: number, entry: RacingEntry])[] {
    return [...this.entries.entries()].filter((pair): pair is [number, RacingEntry] => isRacing(pair[1]));
  }

  async #tell(event: RaceEvent): Promise<void> {
    const entries = event.kind === 'round' ? this.judged(false) : this.entries;
    await this.#options.onEvent?.(event, entries, this.firstDocuments);
  }
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

/** Half width of the widest interval, as a fraction of its median. */
function widestInterval(entries: readonly Entry[]): number {
  const widths = entries.filter(isRacing).map((entry) => {
    const own = times(entry);
    return own.length < 2 ? Number.POSITIVE_INFINITY : relativeHalfWidth(medianInterval(own));
  });
  return Math.max(0, ...widths);
}
