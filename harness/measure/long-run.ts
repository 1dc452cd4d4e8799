import { median } from 'simple-statistics';
import type { TrainingTask } from '../../impls/contract.ts';
import type { TrainerProcess } from '../program/trainer-process.ts';
import { type LongRunRow, PIECES } from '../results/schema.ts';
import { type Contender, WrongLaps } from './contender.ts';
import { type Lap, pausedLaps, processorTimes, processorTimesSince, timeEmptyWords } from './lap.ts';
import { LapDeck } from './lap-deck.ts';
import { type ClockedLap, clockFault, movedWork } from './two-clocks.ts';

/** The cost of a long training run at its start and at its end. */
type LongRun = Extract<LongRunRow, { readonly status: 'verified' }>['run'];

interface LongRunOptions {
  readonly task: TrainingTask;
  readonly steps: number;
  /** A row that would take longer trains as many steps as fit. The check, which runs all steps again, takes extra time. */
  readonly budgetMilliseconds: number;
  /** Steps at the start that are checked from the row's own state. */
  readonly stepsForced: number;
  /** Seed of the run's first document. */
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (trained: number, steps: number) => void;
}

/** Untimed training before the run: a thirtieth of it, or 2 seconds. Otherwise compilation would look like a difference between its ends. */
const WARM_UP_SHARE = 30;
const WARM_UP_MILLISECONDS = 2000;
const FEWEST_STEPS = PIECES;
const PAUSES = 3;

/**
 * Trains one process from step 0 for a long time and times the first and the last tenth. Then trains the same in a second process,
 * to check it.
 *
 * @throws WrongLaps, and whatever the contender's process throws
 */
export async function longRun(contender: Contender, options: LongRunOptions): Promise<LongRun> {
  const { task, signal } = options;
  const deck = new LapDeck(task, options.seed);
  const firstDocument = deck.round(0, [task.numSteps]).lapOf(0) ?? 0;
  const trainer = await contender.start(signal);
  try {
    await trainer.reset(deck.warmUp());
    const perStep = await warmUp(trainer, options);
    const emptyWords = await timeEmptyWords(trainer);
    const warmUps = Array.from({ length: PAUSES }, () => deck.warmUp());
    const pausedNanosecondsPerStep = await pausedLaps(trainer, warmUps, options.steps, perStep);
    const affordable = Math.floor((options.budgetMilliseconds * 1e6) / perStep / PIECES) * PIECES;
    const piece = Math.floor((Math.max(FEWEST_STEPS, Math.min(options.steps, affordable)) - 1) / PIECES) || 1;
    const { losses, pieces, whole } = await trainPieces(trainer, firstDocument, piece, options);
    const lap = { firstDocument, losses, parameters: await trainer.parameters() };
    const peakRssBytes = trainer.peakRssBytes();
    await trainer.quit();

    const witness = contender.witness(signal);
    try {
      const start = { firstDocument, losses: losses.subarray(0, options.stepsForced) };
      await witness.check([start], { wholeLap: true, extraSteps: 0 });
      await witness.check([lap], { wholeLap: false, extraSteps: 1 });
    } finally {
      await witness.quit();
    }
    const [first, last] = [pieces.slice(0, PIECES / 10), pieces.slice(-PIECES / 10)];
    const faultOf = (tenth: readonly ClockedLap[]) =>
      clockFault([{ laps: [joined(tenth, emptyWords)], emptyWords, pausedNanosecondsPerStep }]);
    // The two tenths are told as sums, which a few of their pieces can change.
    const fault =
      movedWork(whole, emptyWords) ??
      // A word may take longer than its piece, so that a step of a piece says nothing beside one after a pause.
      clockFault([{ laps: pieces, emptyWords, pausedNanosecondsPerStep: [] }]) ??
      faultOf(first) ??
      faultOf(last);
    if (fault !== undefined) throw new WrongLaps(fault);
    const tenth = (from: number) => {
      const to = from + PIECES / 10;
      const microseconds = pieces.slice(from, to).reduce((sum, one) => sum + one.nanoseconds, 0) / 1000;
      return {
        microsecondsPerStep: microseconds / (piece * (PIECES / 10)),
        microsecondsPerPosition: microseconds / deck.positions(firstDocument, 1 + from * piece, 1 + to * piece),
      };
    };
    const [firstTenth, lastTenth] = [tenth(0), tenth(PIECES - PIECES / 10)];
    return {
      steps: losses.length,
      stepsAsked: options.steps,
      stepsVerified: losses.length,
      firstTenth,
      lastTenth,
      lastOverFirst: lastTenth.microsecondsPerPosition / firstTenth.microsecondsPerPosition,
      peakRssBytes,
    };
  } finally {
    await trainer.quit();
  }
}

/** Pieces as one lap. Its further words count as a delay. */
function joined(pieces: readonly ClockedLap[], emptyWords: readonly number[]): ClockedLap {
  const sum = (of: (piece: ClockedLap) => number) => pieces.reduce((total, piece) => total + of(piece), 0);
  return {
    timedSteps: sum(({ timedSteps }) => timedSteps),
    nanoseconds: sum(({ nanoseconds }) => nanoseconds),
    wall: { reset: 0, first: 0, rest: sum(({ wall }) => wall.rest) },
    delayNanoseconds: sum((piece) => piece.delayNanoseconds) + (pieces.length - 1) * median([...emptyWords]),
    mainThreadNanoseconds: sum((piece) => piece.mainThreadNanoseconds ?? 0),
  };
}

type Piece = ClockedLap & Pick<Lap, 'processorNanoseconds'>;

/** Trains and times the pieces. The first step is not timed, as in any lap. Also returns the run as one lap, with its untimed part. */
async function trainPieces(
  trainer: TrainerProcess,
  firstDocument: number,
  piece: number,
  { onProgress }: LongRunOptions,
): Promise<{ readonly losses: Float64Array; readonly pieces: readonly ClockedLap[]; readonly whole: ClockedLap }> {
  const losses = new Float64Array(1 + PIECES * piece);
  const pieces: Piece[] = [];
  const began = processorTimes(trainer);
  await trainer.reset(firstDocument);
  const reset = trainer.wordNanoseconds();
  losses.set((await trainer.train(1)).losses);
  const first = trainer.wordNanoseconds();
  const untimed = processorTimesSince(began, trainer);
  for (let i = 0; i < PIECES; i++) {
    const before = processorTimes(trainer);
    const trained = await trainer.train(piece);
    losses.set(trained.losses, 1 + i * piece);
    const rest = trainer.wordNanoseconds();
    pieces.push({
      timedSteps: piece,
      nanoseconds: trained.nanoseconds,
      wall: { reset: 0, first: 0, rest },
      ...processorTimesSince(before, trainer),
    });
    onProgress?.(1 + (i + 1) * piece, 1 + PIECES * piece);
  }
  const sum = (of: (piece: Piece) => number) => pieces.reduce((total, one) => total + of(one), 0);
  // In processor time, if the platform tells: on a busy machine the waiting may be many times the work.
  const { processorNanoseconds = reset + first } = untimed;
  const share = processorNanoseconds / (reset + first);
  const whole = {
    timedSteps: PIECES * piece,
    nanoseconds: sum(({ nanoseconds }) => nanoseconds),
    wall: { reset: share * reset, first: share * first, rest: sum((one) => one.processorNanoseconds ?? one.wall.rest) },
    delayNanoseconds: untimed.processorNanoseconds === undefined ? untimed.delayNanoseconds : 0,
  };
  return { losses, pieces, whole };
}

/** Nanoseconds that a step takes after warm-up, by the harness's clock. */
async function warmUp(trainer: TrainerProcess, { steps }: LongRunOptions): Promise<number> {
  let spent = 0;
  let perStep = Number.POSITIVE_INFINITY;
  for (
    let trained = 0, stretch = 2;
    trained < steps / WARM_UP_SHARE && spent < WARM_UP_MILLISECONDS * 1e6;
    stretch *= 2
  ) {
    await trainer.train(Math.min(stretch, steps - trained));
    perStep = trainer.wordNanoseconds() / stretch;
    trained += stretch;
    spent += trainer.wordNanoseconds();
  }
  return perStep;
}
