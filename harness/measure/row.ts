import { median } from 'simple-statistics';
import type { TrainingTask } from '../../impls/contract.ts';
import { rowName } from '../results/names.ts';
import type { Baseline, Interval, Row, VerifiedRow } from '../results/schema.ts';
import { medianInterval } from '../statistics/median-interval.ts';
import { outlierIndexes } from '../statistics/outliers.ts';
import { pairedRatioInterval } from '../statistics/ratio-interval.ts';
import type { MachinePeaks } from './machine-peak.ts';
import { type Entry, isRacing, nanosecondsByRound, type RacingEntry } from './race.ts';
import { averageMatrixFlops } from './work-of-step.ts';

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
  peaks: MachinePeaks = {},
): Row | undefined {
  if (entry.state === 'waiting') return undefined;
  if (entry.state === 'refused') return { ...entry.identity, ...entry.refusal };

  const { contender, admission, checked } = entry;
  const samples = entry.samples.filter((sample) => sample !== undefined);
  if (samples.length === 0) return undefined;
  const rounds = samples.map((sample) => sample.nanosecondsPerDocument / 1000);
  const interval = medianInterval(rounds);
  const gflops = averageMatrixFlops(task) / (interval.median * 1000);
  const samplesPerLap = (entry.lapSteps - 1) * task.batch;
  const peakRss = samples.map((sample) => sample.peakRssBytes).filter((bytes) => bytes !== undefined);
  const cores = samples.map((sample) => sample.coresUsed).filter((used) => used !== undefined);
  const { precision } = contender.identity;
  return {
    ...contender.identity,
    ...contender.origin,
    ...(admission.build === undefined ? {} : { build: admission.build }),
    status: 'verified',
    stepsVerified: checked.stepsCompared,
    stepsForced: checked.stepsForced,
    fractionOfBound: checked.fractionOfBound,
    microsecondsPerSample: interval,
    roundsMicrosecondsPerSample: rounds,
    outlierRounds: outlierIndexes(rounds),
    samplesPerLap,
    samplesMeasured: samples.reduce((sum, sample) => sum + sample.laps.length * samplesPerLap, 0),
    // One process in many that was disturbed while it warmed up says nothing about the row.
    steady: samples.filter((sample) => sample.steady).length * 2 > samples.length,
    speedup: speedups(entry, entries, baselines),
    gflops,
    ...(peaks.nativePeakGflops === undefined ? {} : { fractionOfPeak: gflops / peaks.nativePeakGflops[precision] }),
    ...(peaks.simd128PeakGflops === undefined || !contender.isHosted
      ? {}
      : { fractionOfSimd128Peak: gflops / peaks.simd128PeakGflops[precision] }),
    ...(cores.length === 0 ? {} : { coresUsed: median(cores) }),
    startupMilliseconds: median(samples.map((sample) => sample.startupNanoseconds)) / 1e6,
    ...(admission.buildNanoseconds === undefined ? {} : { buildMilliseconds: admission.buildNanoseconds / 1e6 }),
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

/** How many times faster one is than the other, by round: both ran the same laps there, minutes apart at most. */
export function ratioOf(slower: RacingEntry, faster: RacingEntry): Interval | undefined {
  return pairedRatioInterval(nanosecondsByRound(slower), nanosecondsByRound(faster));
}
