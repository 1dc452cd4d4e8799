import { availableParallelism } from 'node:os';
import type { TrainingTask } from '../../impls/contract.ts';
import type { Precision } from '../program/manifest.ts';
import { type Contender, type Witness, WrongLaps } from './contender.ts';
import { type Entry, isRacing, type RacingEntry, refusalOf } from './entry.ts';
import type { MachinePeaks } from './machine.ts';
import type { ProcessSample } from './process-sample.ts';
import { FEWEST_PROCESSES } from './round-limit.ts';
import { clockFault } from './two-clocks.ts';
import { averageMatrixFlops } from './work-of-step.ts';

/** What a time must not exceed. */
interface Ceiling {
  readonly task: TrainingTask;
  /** A time beyond these on all its cores is impossible. */
  readonly peaks?: MachinePeaks;
}

/** Steps of every process that are checked from the row's own state, besides one whole lap of its first. */
const EXTRA_STEPS = 24;

/**
 * Checks the laps of a row's new sample; then its times, with those of the rounds before. Times are judged once there are three
 * processes, for a disturbance may last as long as one. See {@link timesJudged}.
 * @returns what was checked of the row so far, this sample with it
 * @throws WrongLaps if a lap is wrong or its time is not true, and what the witness throws
 */
export async function checkSample(
  entry: RacingEntry,
  sample: ProcessSample,
  witness: Witness,
  ceiling: Ceiling,
): Promise<RacingEntry['checked']> {
  const { contender, samples, checked } = entry;
  const verdict = await witness.check(sample.laps, { wholeLap: samples.length === 0, extraSteps: EXTRA_STEPS });
  const taken = [...samples.filter((one) => one !== undefined), sample];
  const fault = taken.length < FEWEST_PROCESSES ? undefined : timeFault(contender, taken, ceiling);
  if (fault !== undefined) throw new WrongLaps(fault);
  return {
    stepsVerified: checked.stepsVerified + verdict.stepsCompared,
    stepsForced: checked.stepsForced + verdict.stepsForced,
    fractionOfBound: Math.max(checked.fractionOfBound, verdict.fractionOfBound),
  };
}

/**
 * The row as its times make it. Every time that is shown or kept was judged here, even if there are fewer processes than
 * {@link checkSample} waits for. If these are at fault, nothing is said of the row while others may follow.
 */
export function timesJudged(entry: Entry, ceiling: Ceiling, isOver: boolean): Entry {
  if (!isRacing(entry)) return entry;
  const { contender, samples } = entry;
  const taken = samples.filter((one) => one !== undefined);
  const fault = timeFault(contender, taken, ceiling);
  if (fault === undefined) return entry;
  if (taken.length >= FEWEST_PROCESSES) return { ...contender.identity, ...refusalOf(new WrongLaps(fault)) };
  if (!isOver) return { status: 'waiting', contender };
  const few = taken.length === 1 ? 'one process' : `${taken.length} processes`;
  const advice = `judged by ${few}, which anything may disturb; three tell more`;
  return { ...contender.identity, ...refusalOf(new WrongLaps(`${fault}; ${advice}`)) };
}

function timeFault({ identity }: Contender, samples: readonly ProcessSample[], ceiling: Ceiling): string | undefined {
  const impossible = samples.map((one) => ceilingFault(one, identity.precision, ceiling));
  return clockFault(samples) ?? impossible.find((fault) => fault !== undefined);
}

/** The peak was measured in a fraction of a second; a processor may do somewhat better in another. */
const CEILING_SLACK = 1.15;

function ceilingFault(sample: ProcessSample, precision: Precision, { task, peaks }: Ceiling): string | undefined {
  const peak = peaks?.nativePeakGflops?.[precision];
  if (peak === undefined) return undefined;
  const cores = Math.max(1, sample.coresUsed ?? availableParallelism());
  const gflops = averageMatrixFlops(task) / sample.nanosecondsPerDocument;
  if (gflops <= CEILING_SLACK * peak * cores) return undefined;
  return `its time means ${gflops.toPrecision(3)} GFLOP/s on ${cores.toPrecision(2)} cores; this machine reaches ${peak.toPrecision(3)} on each: impossible`;
}
