import { medianInterval } from '../statistics/median-interval.ts';
import { outlierIndexes } from '../statistics/outliers.ts';
import { pairedRatioInterval } from '../statistics/ratio-interval.ts';
import { rowName, taskDifference } from './names.ts';
import { comparedWith } from './published.ts';
import type { BenchResult, ClaimResult, Row, VerifiedRow } from './schema.ts';

/** What must not have changed since a run that is resumed. */
type Circumstances = Pick<BenchResult, 'task' | 'commit' | 'machine' | 'runtime'> & {
  /** By the names of rows. */
  readonly sources: ReadonlyMap<string, string>;
};

/** Why rounds of now cannot continue those of an earlier run, in a few words; undefined if they can. */
export function resumeFault(earlier: BenchResult, now: Circumstances): string | undefined {
  const task = taskDifference(earlier.task, now.task);
  if (task !== undefined) return task;
  if (earlier.commit !== now.commit) {
    return `other code (commit ${earlier.commit ?? 'none'} then, ${now.commit ?? 'none'} now)`;
  }
  if (earlier.machine.fingerprint !== now.machine.fingerprint) return 'other machine';
  if (earlier.runtime.version !== now.runtime.version) {
    return `other runtime (${earlier.runtime.version} then, ${now.runtime.version} now)`;
  }
  for (const row of earlier.rows) {
    if (row.status !== 'verified') continue;
    const source = now.sources.get(rowName(row));
    if (source === undefined) return `the row ${rowName(row)} is missing`;
    if (source !== row.sourceHash) return `the sources of ${rowName(row)} have changed`;
  }
  return undefined;
}

const ROUNDS_OF_ALL = 3;

/**
 * One result: the rounds of the earlier run, then those of the later one. A row that the later run refused is refused; one that
 * it has not reached keeps its earlier rounds.
 */
export function joinedRuns(earlier: BenchResult, later: BenchResult): BenchResult {
  const runs = [earlier, later] as const;
  const times = (name: string) => runs.flatMap((run) => timesByRound(run, name));
  const joined = new Map<string, Row>(earlier.rows.map((row) => [rowName(row), inWholeRounds(row, earlier)]));
  for (const row of later.rows) {
    const before = joined.get(rowName(row));
    // What was wrong once is wrong, whatever it does now.
    if (before?.status === 'mismatch') continue;
    const isBoth = before?.status === 'verified' && row.status === 'verified';
    joined.set(rowName(row), isBoth ? joinedRow(before, row) : row);
  }
  const rows = [...joined.values()].map((row): Row => {
    if (row.status !== 'verified') return row;
    const speedup: VerifiedRow['speedup'] = {};
    for (const { row: baseline } of earlier.baselines) {
      const isTimed = joined.get(baseline)?.status === 'verified';
      const ratio = isTimed ? pairedRatioInterval(times(baseline), times(rowName(row))) : undefined;
      if (ratio !== undefined) speedup[baseline] = ratio;
    }
    return { ...row, speedup };
  });
  const claims = later.claims.map((claim): ClaimResult => {
    if (claim.here === undefined) return claim;
    const ratio = pairedRatioInterval(times(claim.slower), times(claim.faster)) ?? claim.here.ratio;
    const is = comparedWith(claim.published, ratio);
    return { ...claim, here: { ratio, ...(is === undefined ? {} : { is }) } };
  });
  return {
    ...later,
    createdAt: earlier.createdAt,
    command: earlier.command,
    laps: { ...later.laps, firstDocuments: runs.flatMap(({ laps }) => laps.firstDocuments) },
    noise: {
      ...later.noise,
      calibratorMicroseconds: runs.flatMap(({ noise }) => noise.calibratorMicroseconds),
      warnings: [
        `resumed: the first ${earlier.laps.firstDocuments.length} rounds are of a run that was interrupted`,
        ...later.noise.warnings,
      ],
    },
    roundsSeconds: (earlier.roundsSeconds ?? 0) + (later.roundsSeconds ?? 0),
    baselines: earlier.baselines,
    claims,
    rows,
  };
}

/** Without the round that was interrupted: only some rows have it. */
function inWholeRounds(row: Row, { laps }: BenchResult): Row {
  if (row.status !== 'verified') return row;
  const rounds = laps.firstDocuments.length;
  return rounds === 0 ? row : { ...row, roundsMicrosecondsPerSample: row.roundsMicrosecondsPerSample.slice(0, rounds) };
}

function joinedRow(before: VerifiedRow, after: VerifiedRow): VerifiedRow {
  const rounds = [...before.roundsMicrosecondsPerSample, ...after.roundsMicrosecondsPerSample];
  const microsecondsPerSample = medianInterval(rounds);
  const slower = microsecondsPerSample.median / after.microsecondsPerSample.median;
  const weightBefore = before.roundsMicrosecondsPerSample.length / rounds.length;
  return {
    ...after,
    stepsVerified: before.stepsVerified + after.stepsVerified,
    stepsForced: before.stepsForced + after.stepsForced,
    fractionOfBound: Math.max(before.fractionOfBound, after.fractionOfBound),
    microsecondsPerSample,
    roundsMicrosecondsPerSample: rounds,
    outlierRounds: outlierIndexes(rounds),
    samplesMeasured: before.samplesMeasured + after.samplesMeasured,
    steady: weightBefore > 0.5 ? before.steady : after.steady,
    startupMilliseconds: weightBefore * before.startupMilliseconds + (1 - weightBefore) * after.startupMilliseconds,
    gflops: after.gflops && after.gflops / slower,
    fractionOfPeak: after.fractionOfPeak && after.fractionOfPeak / slower,
    fractionOfSimd128Peak: after.fractionOfSimd128Peak && after.fractionOfSimd128Peak / slower,
    peakRssBytes: after.peakRssBytes && Math.max(before.peakRssBytes ?? 0, after.peakRssBytes),
  };
}

/** A row's times by finished round. If it sat out some, only the places of the first ones are known. */
function timesByRound({ rows, laps }: BenchResult, name: string): readonly (number | undefined)[] {
  const rounds = laps.firstDocuments.length;
  const row = rows.find((other) => rowName(other) === name);
  const times = row?.status === 'verified' ? row.roundsMicrosecondsPerSample : [];
  const placed = times.length >= rounds ? rounds : Math.min(ROUNDS_OF_ALL, times.length);
  return Array.from({ length: rounds }, (_, round) => (round < placed ? times[round] : undefined));
}
