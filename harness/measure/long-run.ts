import type { TrainingTask } from '../../impls/contract.ts';
import { type Contender, requireRight } from './contender.ts';
import { positionsTrained } from './work-of-step.ts';

/** What a long training run cost at its two ends. */
export interface LongRun {
  /** Steps trained: fewer than asked for where the row is too slow for them. */
  readonly steps: number;
  readonly stepsAsked: number;
  readonly stepsVerified: number;
  readonly firstTenth: Tenth;
  readonly lastTenth: Tenth;
  /**
   * Cost of a position in the last tenth over the first: near 1 where a step costs the same however long training has run. By
   * position, because the documents of the two tenths differ a little in length.
   */
  readonly lastOverFirst: number;
  readonly peakRssBytes?: number;
}

export interface Tenth {
  readonly microsecondsPerStep: number;
  readonly microsecondsPerPosition: number;
}

export interface LongRunOptions {
  readonly task: TrainingTask;
  readonly steps: number;
  /** A row that would take longer trains as many steps as fit. */
  readonly budgetMilliseconds: number;
  /** How many steps of the reference are known. */
  readonly stepsKnown: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (trained: number, steps: number) => void;
}

/** Untimed training before the run, so that compilation is not taken for a difference between its ends: a thirtieth of it, or 2 seconds. */
const WARM_UP_SHARE = 30;
const WARM_UP_MILLISECONDS = 2000;

/** Timed pieces of the run; a tenth is ten of them. */
const PIECES = 100;
const FEWEST_STEPS = PIECES;

/**
 * Trains one process from step 0 for a long time and times its first and its last tenth. The losses that the reference
 * knows are verified.
 *
 * @throws WrongLosses, and whatever the contender's process throws
 */
export async function longRun(contender: Contender, options: LongRunOptions): Promise<LongRun> {
  const { task, stepsKnown, signal, onProgress } = options;
  const trainer = await contender.start(signal);
  try {
    const perStep = await warmUp((steps) => trainer.train(steps), options);
    await trainer.reset(0);
    const affordable = Math.floor((options.budgetMilliseconds * 1e6) / perStep / PIECES) * PIECES;
    const steps = Math.max(FEWEST_STEPS, Math.min(options.steps, affordable));
    const piece = Math.floor(steps / PIECES);
    const losses: number[] = [];
    const nanoseconds: number[] = [];
    for (let i = 0; i < PIECES; i++) {
      const trained = await trainer.train(piece);
      nanoseconds.push(trained.nanoseconds);
      if (losses.length < stepsKnown) losses.push(...trained.losses);
      onProgress?.((i + 1) * piece, steps);
    }
    const { stepsVerified } = requireRight(contender, Float64Array.from(losses.slice(0, stepsKnown)));
    const tenth = (from: number): Tenth => {
      const microseconds = nanoseconds.slice(from, from + PIECES / 10).reduce((sum, time) => sum + time, 0) / 1000;
      const positions = positionsTrained(task, from * piece, (from + PIECES / 10) * piece);
      return {
        microsecondsPerStep: microseconds / (piece * (PIECES / 10)),
        microsecondsPerPosition: microseconds / positions,
      };
    };
    const [firstTenth, lastTenth] = [tenth(0), tenth(PIECES - PIECES / 10)];
    const peakRssBytes = trainer.peakRssBytes();
    return {
      steps: piece * PIECES,
      stepsAsked: options.steps,
      stepsVerified,
      firstTenth,
      lastTenth,
      lastOverFirst: lastTenth.microsecondsPerPosition / firstTenth.microsecondsPerPosition,
      ...(peakRssBytes === undefined ? {} : { peakRssBytes }),
    };
  } finally {
    await trainer.quit();
  }
}

/** Nanoseconds a step takes once warm. */
async function warmUp(
  train: (steps: number) => Promise<{ nanoseconds: number }>,
  { steps }: LongRunOptions,
): Promise<number> {
  let spent = 0;
  let perStep = Number.POSITIVE_INFINITY;
  for (
    let trained = 0, stretch = 2;
    trained < steps / WARM_UP_SHARE && spent < WARM_UP_MILLISECONDS * 1e6;
    stretch *= 2
  ) {
    const { nanoseconds } = await train(Math.min(stretch, steps - trained));
    perStep = nanoseconds / stretch;
    trained += stretch;
    spent += nanoseconds;
  }
  return perStep;
}
