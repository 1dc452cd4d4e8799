import { type Contender, requireRight } from './contender.ts';
import { lapLengths } from './lap.ts';
import type { Pace } from './pace.ts';

/** What is known of a row before it is timed: that it is right, how far that was checked, and how long its lap shall be. */
export interface Scouting {
  readonly stepsVerified: number;
  readonly maxLossError: number;
  readonly tolerance: number;
  readonly lapSteps: number;
  /** A forecast, good enough to share out time with. */
  readonly lapNanoseconds: number;
  /** Time its code took to be built for these sizes, where it was not in a cache. */
  readonly buildNanoseconds?: number;
}

/**
 * Finds out how fast a row is in a process of its own, and verifies its losses on the way.
 *
 * `stepsKnown` is the longest lap there can be: further the reference does not go. The lap's length comes from the speed of the last stretch, where just-in-time compilers have done most of their work.
 *
 * @throws WrongLosses, and whatever the contender's process throws
 */
export async function scout(
  contender: Contender,
  { stepsKnown, batch, pace }: { stepsKnown: number; batch: number; pace: Pace },
  signal: AbortSignal,
): Promise<Scouting> {
  const trainer = await contender.start(signal);
  try {
    const lengths = lapLengths(stepsKnown, Math.ceil(pace.fewestDocuments / batch));
    const losses = new Float64Array(stepsKnown);
    let trained = 0;
    let spent = 0;
    let nanosecondsPerStep = 0;
    for (const length of lengths) {
      const stretch = length - trained;
      if (trained > 0 && spent + stretch * nanosecondsPerStep > pace.scoutMilliseconds * 1e6) break;
      const segment = await trainer.train(stretch);
      losses.set(segment.losses, trained);
      trained = length;
      spent += segment.nanoseconds;
      nanosecondsPerStep = segment.nanoseconds / stretch;
    }
    const { stepsVerified, maxLossError, tolerance } = requireRight(contender, losses.subarray(0, trained));
    const affordable = lengths.filter(
      (length) => length <= trained && length * nanosecondsPerStep <= pace.lapMilliseconds * 1e6,
    );
    const lapSteps = affordable.at(-1) ?? lengths[0];
    await trainer.quit();
    return {
      stepsVerified,
      maxLossError,
      tolerance,
      lapSteps,
      lapNanoseconds: lapSteps * nanosecondsPerStep,
      ...(trainer.buildNanoseconds === undefined ? {} : { buildNanoseconds: trainer.buildNanoseconds }),
    };
  } catch (error) {
    await trainer.quit().catch(() => undefined);
    throw error;
  }
}
