import { median } from 'simple-statistics';
import type { TrainingTask } from '../../impls/contract.ts';
import { rowName } from '../results/names.ts';
import type { Baseline, Interval, Machine, Row, VerifiedRow } from '../results/schema.ts';
import { medianInterval } from '../statistics/median-interval.ts';
import { outlierIndexes } from '../statistics/outliers.ts';
import { pairedRatioInterval } from '../statistics/paired-ratio.ts';
import { type Entry, isRacing, nanosecondsByRound, type RacingEntry } from './race.ts';
import { matrixFlops } from './work-of-step.ts';

/**
 * The row that an entry has earned so far, or undefined where it has neither a time nor a refusal yet.
 *
 * @param entries all of the race, among them the baselines
 */
export function rowOf(
  entry: Entry,
  entries: readonly Entry[],
  baselines: readonly Baseline[],
  task: TrainingTask,
  peak?: Machine['simd128PeakGflops'],
): Row | undefined {
  if (entry.state === 'waiting') return undefined;
  if (entry.state === 'refused') return { ...entry.contender.identity, ...entry.refusal };

  const { scouting, contender } = entry;
  const samples = entry.samples.filter((sample) => sample !== undefined);
  if (samples.length === 0) return undefined;
  const samplesPerLap = scouting.lapSteps * task.batch;
  const rounds = nanosecondsByRound(entry, scouting.lapSteps)
    .filter((time) => time !== undefined)
    .map((time) => time / 1000 / samplesPerLap);
  const interval = medianInterval(rounds);
  const gflops = matrixFlops(task, scouting.lapSteps) / (interval.median * 1000 * samplesPerLap);
  const peakRss = samples.map((sample) => sample.peakRssBytes).filter((bytes) => bytes !== undefined);
  return {
    ...contender.identity,
    status: 'verified',
    stepsVerified: scouting.stepsVerified,
    stepsForced: scouting.stepsVerified,
    fractionOfBound:
      Math.max(scouting.maxLossError, ...samples.map((sample) => sample.maxLossError)) / scouting.tolerance,
    ...contender.origin,
    microsecondsPerSample: interval,
    roundsMicrosecondsPerSample: rounds,
    outlierRounds: outlierIndexes(rounds),
    samplesPerLap,
    samplesMeasured: samples.reduce((sum, sample) => sum + sample.laps * samplesPerLap, 0),
    // One process in many that was disturbed while it warmed up says nothing about the row.
    steady: samples.filter((sample) => sample.steady).length * 2 > samples.length,
    speedup: speedups(entry, entries, baselines),
    gflops,
    ...(peak === undefined ? {} : { fractionOfPeak: gflops / peak[contender.identity.precision] }),
    startupMilliseconds: median(samples.map((sample) => sample.startupNanoseconds)) / 1e6,
    ...(scouting.buildNanoseconds === undefined ? {} : { buildMilliseconds: scouting.buildNanoseconds / 1e6 }),
    ...(peakRss.length === 0 ? {} : { peakRssBytes: Math.max(...peakRss) }),
  };
}

function speedups(
  entry: RacingEntry,
  entries: readonly Entry[],
  baselines: readonly Baseline[],
): VerifiedRow['speedup'] {
  const speedup: VerifiedRow['speedup'] = {};
  for (const { row } of baselines) {
    const baseline = entries.filter(isRacing).find((other) => rowName(other.contender.identity) === row);
    if (baseline === undefined) continue;
    const ratio = ratioOf(baseline, entry);
    if (ratio !== undefined) speedup[row] = ratio;
  }
  return speedup;
}

/** How many times faster one is than the other, over the documents that both have in their lap: documents differ in length, and so in work. */
export function ratioOf(slower: RacingEntry, faster: RacingEntry): Interval | undefined {
  const steps = Math.min(slower.scouting.lapSteps, faster.scouting.lapSteps);
  return pairedRatioInterval(nanosecondsByRound(slower, steps), nanosecondsByRound(faster, steps));
}
