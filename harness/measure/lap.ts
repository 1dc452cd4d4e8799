import type { TrainerProcess } from '../program/trainer-process.ts';

/**
 * A lap is the unit of timing: back to step 0, then the first steps of the task. Every lap is the same work on the same
 * documents, and its losses are known, so that a timed lap is a verified lap.
 */
export interface Lap {
  /** Loss of every step, `[cuts.at(-1)]`. */
  readonly losses: Float64Array;
  /** Time from step 0 up to each cut, by the child's own clock, `[cuts.length]`. */
  readonly nanosecondsToCut: readonly number[];
}

/**
 * Runs one lap. `cuts` are step counts in ascending order, the last one the lap's length: a speedup over a slow row is
 * taken over the slow row's documents alone, so its length is a cut in the lap of a fast row.
 *
 * `rehearsalSteps` are trained, untimed, right before: after a pause, and after writing out the losses of a long lap, a
 * processor's caches and branch predictors are cold, which would cost a first stretch of a tenth of a millisecond a tenth of its time.
 */
export async function runLap(trainer: TrainerProcess, cuts: readonly number[], rehearsalSteps = 0): Promise<Lap> {
  if (rehearsalSteps > 0) {
    await trainer.reset(0);
    await trainer.train(rehearsalSteps);
  }
  await trainer.reset(0);
  const losses = new Float64Array(cuts[cuts.length - 1]);
  const nanosecondsToCut: number[] = [];
  let trained = 0;
  let nanoseconds = 0;
  for (const cut of cuts) {
    const segment = await trainer.train(cut - trained);
    losses.set(segment.losses, trained);
    nanoseconds += segment.nanoseconds;
    nanosecondsToCut.push(nanoseconds);
    trained = cut;
  }
  return { losses, nanosecondsToCut };
}

/** Lengths a lap may have, in steps: doublings from the shortest, up to the number of steps whose losses are known. */
export function lapLengths(stepsKnown: number, shortest: number): readonly number[] {
  const lengths: number[] = [];
  for (let length = shortest; length < stepsKnown; length *= 2) lengths.push(length);
  return [...lengths, stepsKnown];
}

/** Where one lap is cut, given its own length and the lengths of the laps that it is compared with. */
export function lapCuts(own: number, others: readonly number[]): readonly number[] {
  const cuts = new Set([own, ...others.filter((length) => length < own)]);
  return [...cuts].sort((a, b) => a - b);
}

/** A rehearsal this long warms the processor; a row whose step takes longer than this does not need any. */
const REHEARSAL_NANOSECONDS = 2e6;

/** Steps to rehearse before a lap with these cuts: none where there is no short first stretch to protect. */
export function rehearsalSteps(cuts: readonly number[], nanosecondsPerStep: number): number {
  return cuts.length === 1 ? 0 : Math.min(cuts[0], Math.floor(REHEARSAL_NANOSECONDS / nanosecondsPerStep));
}
