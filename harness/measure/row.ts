import { median } from 'simple-statistics';
import type { TrainingTask } from '../../impls/contract.ts';
import { rowName } from '../results/names.ts';
import { type Claim, comparedWith } from '../results/published.ts';
import type { Baseline, ClaimResult, Interval, Row, VerifiedRow } from '../results/schema.ts';
import { medianInterval } from '../statistics/median-interval.ts';
import { outlierIndexes } from '../statistics/outliers.ts';
import { pairedRatioInterval } from '../statistics/ratio-interval.ts';
import type { Contender } from './contender.ts';
import { type Entry, isRacing, nanosecondsByRound, type RacingEntry } from './entry.ts';
import type { MachinePeaks } from './machine.ts';
import { averageMatrixFlops } from './work-of-step.ts';

/** The row of an entry so far; undefined if it has neither a time nor a refusal. `entries` are all of the race. */
export function rowOf(
  entry: Entry,
  entries: readonly Entry[],
  baselines: readonly Baseline[],
  task: TrainingTask,
  peaks: MachinePeaks = {},
): Row | undefined {
  if (entry.status === 'waiting') return undefined;
  if (!isRacing(entry)) return entry;
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
  const simd128Peak = contender.isHosted ? peaks.simd128PeakGflops : undefined;
  return {
    ...contender.identity,
    ...contender.origin,
    build: admission.build,
    status: 'verified',
    ...checked,
    microsecondsPerSample: interval,
    roundsMicrosecondsPerSample: rounds,
    outlierRounds: outlierIndexes(rounds),
    samplesPerLap,
    samplesMeasured: samples.reduce((sum, sample) => sum + sample.laps.length * samplesPerLap, 0),
    // One process that was disturbed while it warmed up says nothing about the row.
    steady: samples.filter((sample) => sample.steady).length * 2 > samples.length,
    speedup: speedups(entry, entries, baselines),
    gflops,
    fractionOfPeak: peaks.nativePeakGflops && gflops / peaks.nativePeakGflops[precision],
    fractionOfSimd128Peak: simd128Peak && gflops / simd128Peak[precision],
    coresUsed: cores.length === 0 ? undefined : median(cores),
    startupMilliseconds: median(samples.map((sample) => sample.startupNanoseconds)) / 1e6,
    buildMilliseconds: admission.buildNanoseconds && admission.buildNanoseconds / 1e6,
    peakRssBytes: peakRss.length === 0 ? undefined : Math.max(...peakRss),
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
    const ratio = baseline && ratioOf(baseline, entry);
    if (ratio !== undefined) speedup[row] = ratio;
  }
  return speedup;
}

/** By round: both ran the same laps there, minutes apart at most. */
function ratioOf(slower: RacingEntry, faster: RacingEntry): Interval | undefined {
  return pairedRatioInterval(nanosecondsByRound(slower), nanosecondsByRound(faster));
}

/** The ratio of the two rows that answer each published claim, or why there is none. */
export function claimResults(
  claims: readonly Claim[],
  batch: number,
  entries: readonly Entry[],
): readonly ClaimResult[] {
  const find = (name: string) =>
    entries.filter(isRacing).find(({ contender }) => contender.identity.implementation === name);
  return claims.map(({ claim, factor: published, faster, slower, batch: claimed }) => {
    const result = { claim, published, faster, slower };
    if (claimed !== batch) return { ...result, missing: `at batch ${claimed}` };
    const [fast, slow] = [find(faster), find(slower)];
    const ratio = fast && slow && ratioOf(slow, fast);
    if (ratio !== undefined) {
      const is = comparedWith(published, ratio);
      return { ...result, here: { ratio, ...(is === undefined ? {} : { is }) } };
    }
    const reasons = [slower, faster].flatMap((name) => {
      if (find(name) !== undefined) return [];
      const row = entries.find((entry) => !('contender' in entry) && entry.implementation === name);
      return [`${name} ${row?.status ?? 'not run'}`];
    });
    return { ...result, missing: reasons.length === 0 ? 'not timed' : reasons.join(', ') };
  });
}

type Candidate = Pick<Contender, 'identity' | 'roles'>;

/**
 * The rows that all others are compared with: those asked for, or else Python (the first row named, if it does not run) and the
 * scalar autograd.
 * @param asked names of rows or implementations, the headline's first; unknown ones are left out
 */
export function chooseBaselines(
  candidates: readonly Candidate[],
  asked: readonly string[],
  firstNamed?: string,
): readonly Baseline[] {
  const named = (name: string | undefined) =>
    candidates.find(({ identity }) => rowName(identity) === name) ??
    candidates.find(({ identity }) => identity.implementation === name);
  const withRole = (role: NonNullable<Baseline['role']>) => candidates.find(({ roles }) => roles.includes(role));
  const chosen =
    asked.length > 0
      ? asked.map(named)
      : [withRole('python-baseline') ?? named(firstNamed) ?? candidates[0], withRole('scalar-baseline')];
  return [...new Set(chosen)]
    .filter((candidate) => candidate !== undefined)
    .map(({ identity, roles }) => {
      const role = (['python-baseline', 'scalar-baseline'] as const).find((one) => roles.includes(one));
      return { row: rowName(identity), ...(role === undefined ? {} : { role }) };
    });
}
