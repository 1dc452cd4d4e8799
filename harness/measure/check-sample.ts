import { availableParallelism } from 'node:os';
import type { TrainingTask } from '../../impls/contract.ts';
import type { Precision } from '../program/manifest.ts';
import { type Witness, WrongLaps } from './contender.ts';
import type { RacingEntry } from './entry.ts';
import type { MachinePeaks } from './machine.ts';
import type { ProcessSample } from './process-sample.ts';
import { clockFault } from './two-clocks.ts';
import { averageMatrixFlops } from './work-of-step.ts';

/** What a time must not exceed. */
interface Machine {
  readonly task: TrainingTask;
  /** A time beyond these on all its cores is impossible. */
  readonly peaks?: MachinePeaks;
}

/** Steps of every process that are checked from the row's own state, besides one whole lap of its first. */
const EXTRA_STEPS = 24;

/**
 * Checks the laps of a row's new sample; then its clock, with those of the rounds before.
 * @returns what was checked of the row so far, this sample with it
 * @throws WrongLaps if a lap is wrong or its time is not true, and what the witness throws
 */
export async function checkSample(
  entry: RacingEntry,
  sample: ProcessSample,
  witness: Witness,
  machine: Machine,
): Promise<RacingEntry['checked']> {
  const { contender, samples, checked } = entry;
  const verdict = await witness.check(sample.laps, { wholeLap: samples.length === 0, extraSteps: EXTRA_STEPS });
  const fault =
    clockFault([...samples.filter((one) => one !== undefined), sample]) ??
    ceilingFault(sample, contender.identity.precision, machine);
  if (fault !== undefined) throw new WrongLaps(fault);
  return {
    stepsVerified: checked.stepsVerified + verdict.stepsCompared,
    stepsForced: checked.stepsForced + verdict.stepsForced,
    fractionOfBound: Math.max(checked.fractionOfBound, verdict.fractionOfBound),
  };
}

/** The peak was measured in a fraction of a second; a processor may do somewhat better in another. */
const CEILING_SLACK = 1.15;

function ceilingFault(sample: ProcessSample, precision: Precision, { task, peaks }: Machine): string | undefined {
  const peak = peaks?.nativePeakGflops?.[precision];
  if (peak === undefined) return undefined;
  const cores = Math.max(1, sample.coresUsed ?? availableParallelism());
  const gflops = averageMatrixFlops(task) / sample.nanosecondsPerDocument;
  if (gflops <= CEILING_SLACK * peak * cores) return undefined;
  return `its time means ${gflops.toPrecision(3)} GFLOP/s on ${cores.toPrecision(2)} cores; this machine reaches ${peak.toPrecision(3)} on each: impossible`;
}
