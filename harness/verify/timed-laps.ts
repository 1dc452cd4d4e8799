import { shuffle } from 'simple-statistics';
import type { TrainingTask } from '../../impls/contract.ts';
import type { Precision } from '../program/manifest.ts';
import { forceSteps, type StepwiseTrainer } from './force-steps.ts';
import { Teacher } from './teacher.ts';

/** A timed lap: a reset to `firstDocument` and the steps after it. */
export interface TimedLap {
  readonly firstDocument: number;
  /** Loss of every step, from the lap's first on. */
  readonly losses: Float64Array;
  /** The timed process's parameters after the lap, if they were asked for. */
  readonly parameters?: Float64Array;
}

interface TimedLapsOptions {
  /** Numbers in [0, 1) that choose the steps to check. The timed process must not know them. */
  readonly random?: () => number;
  /** Whether one random lap is checked as a whole. True if left out. */
  readonly wholeLap?: boolean;
  /** Steps checked besides those of the lap that is checked as a whole. If left out, as many as the longest lap has. */
  readonly extraSteps?: number;
}

/** The verdict on the timed laps of one row. */
export type LapsVerdict =
  | {
      readonly status: 'verified';
      /** Steps whose loss equals the witness's, bit for bit: all steps of all timed laps. */
      readonly stepsCompared: number;
      /** Steps that were also checked from the witness's own state. */
      readonly stepsForced: number;
      /** Largest error of all forced steps, divided by what rounding may cause. */
      readonly fractionOfBound: number;
    }
  | {
      readonly status: 'mismatch';
      /** One line: which step, what we got, what was expected. */
      readonly reason: string;
    };

/**
 * Replays timed laps in a second process of the same row, the witness. Every timed loss must equal the witness's, to the last bit. In
 * the witness, all steps of one random lap and the first steps of others are checked one by one.
 * @param start starts the witness, which is ended here
 * @throws whatever the witness throws
 */
export async function verifyTimedLaps(
  start: () => Promise<StepwiseTrainer>,
  task: TrainingTask,
  precision: Precision,
  laps: readonly TimedLap[],
  options: TimedLapsOptions = {},
): Promise<LapsVerdict> {
  if (laps.length === 0) throw new RangeError('no lap was timed, so there is nothing to verify');
  const lengths = laps.map(({ losses }) => losses.length);
  const forced = drawForcedSteps(lengths, options);
  const teacher = new Teacher(task, precision);
  const witness = await start();
  let fractionOfBound = 0;
  try {
    for (const [index, lap] of laps.entries()) {
      const replayed = await replay(witness, teacher, lap, forced[index]);
      if ('reason' in replayed) return { status: 'mismatch', ...replayed };
      fractionOfBound = Math.max(fractionOfBound, replayed.fractionOfBound);
    }
  } finally {
    await witness.quit();
  }
  const stepsCompared = lengths.reduce((sum, steps) => sum + steps, 0);
  const stepsForced = forced.reduce((sum, steps) => sum + steps, 0);
  return { status: 'verified', stepsCompared, stepsForced, fractionOfBound };
}

type Replay = { readonly fractionOfBound: number } | { readonly reason: string };

async function replay(witness: StepwiseTrainer, teacher: Teacher, lap: TimedLap, forced: number): Promise<Replay> {
  const { firstDocument, losses } = lap;
  await witness.reset(firstDocument);
  let fractionOfBound = 0;
  if (forced > 0) {
    teacher.restart(firstDocument);
    const first = await forceSteps(witness, teacher, forced);
    const reason = describeDifference(losses, 0, first.losses) ?? first.wrong?.reason;
    if (reason !== undefined) return { reason };
    fractionOfBound = first.fractionOfBound;
  }
  // A row could end a lap differently if it knows that it is the end. So if the end is checked, the witness gets there by other words.
  const last = lap.parameters !== undefined && losses.length - forced > 1 ? losses.length - 1 : losses.length;
  for (const [from, to] of [
    [forced, last],
    [last, losses.length],
  ]) {
    if (from === to) continue;
    const reason = describeDifference(losses, from, (await witness.train(to - from)).losses);
    if (reason !== undefined) return { reason };
  }
  if (lap.parameters !== undefined) {
    const witnessed = await witness.parameters();
    const entry = lap.parameters.findIndex((value, i) => !Object.is(value, witnessed[i]));
    if (entry !== -1) {
      const reason = `after the last step of a timed lap parameter ${entry} was ${lap.parameters[entry]}; a second process of the same row got ${witnessed[entry]}; every run must be the same to the last bit`;
      return { reason };
    }
  }
  return { fractionOfBound };
}

function describeDifference(timed: Float64Array, from: number, witnessed: Float64Array): string | undefined {
  const at = witnessed.findIndex((loss, i) => !Object.is(loss, timed[from + i]));
  if (at === -1) return undefined;
  return `step ${from + at + 1} of a timed lap: got a loss of ${timed[from + at]}; a second process of the same row got ${witnessed[at]}; every run must be the same to the last bit`;
}

/**
 * How many of each lap's first steps are forced: all of one lap; and of other laps, in random order, a random number whose logarithm
 * is uniform, so that early steps are checked most often. It ends when `extraSteps` are drawn.
 */
function drawForcedSteps(
  lengths: readonly number[],
  { random = Math.random, wholeLap = true, extraSteps = Math.max(...lengths) }: TimedLapsOptions,
): readonly number[] {
  const forced = lengths.map(() => 0);
  const order = shuffle([...lengths.keys()], random);
  if (wholeLap) forced[order[0]] = lengths[order[0]];
  let left = extraSteps;
  for (const lap of wholeLap ? order.slice(1) : order) {
    if (left <= 0) break;
    forced[lap] = Math.min(lengths[lap], left, Math.max(1, Math.floor(lengths[lap] ** random())));
    left -= forced[lap];
  }
  return forced;
}
