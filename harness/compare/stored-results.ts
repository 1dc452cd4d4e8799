import { median } from 'simple-statistics';
import { type Comparison, type ComparisonRow, type Side, sideOfRefusal } from '../results/comparison.ts';
import { rowName, taskDifference } from '../results/names.ts';
import {
  type BenchResult,
  type Interval,
  type RefusedRow,
  type Row,
  SCHEMA_VERSION,
  type VerifiedRow,
} from '../results/schema.ts';
import { percent } from '../statistics/percent.ts';
import { FEWEST_PROCESSES_FOR_A_VERDICT, independentRatioInterval } from '../statistics/ratio-interval.ts';
import { UsageError } from '../usage-error.ts';
import { position } from './verdict.ts';

interface StoredResult {
  readonly file: string;
  readonly result: BenchResult;
}

/**
 * Compares two results that were measured apart, each time divided by how fast the machine ran the calibrator then. With no
 * rounds in common, no control and no confirmation, a regression needs the whole interval beyond the threshold.
 *
 * @throws UsageError if the tasks differ
 */
export function compareStored(
  base: StoredResult,
  head: StoredResult,
  threshold: number,
  createdAt: string,
): Comparison {
  const difference = taskDifference(base.result.task, head.result.task);
  if (difference !== undefined) throw new UsageError(`${base.file} and ${head.file} are not comparable: ${difference}`);
  const speed = machineSpeedRatio(base.result, head.result);
  const noisy = [base, head].find(({ result }) => result.noise.warnings.length > 0);
  const rows = pairRows(base.result, head.result)
    .map(([name, before, after]) => compareRows(name, before, after, speed ?? 1, threshold))
    .map((row) =>
      noisy === undefined || row.status !== 'compared'
        ? row
        : { ...row, ...inconclusive(`the run of ${noisy.file} warned of noise: ${noisy.result.noise.warnings[0]}`) },
    );
  return {
    schemaVersion: SCHEMA_VERSION,
    createdAt,
    evidence: 'stored',
    base: { name: base.file, commit: base.result.commit },
    head: { name: head.file, commit: head.result.commit },
    threshold,
    task: head.result.task,
    rows,
    notes: notes(base.result, head.result, speed),
  };
}

/** Head's calibrator time over base's: above 1 the machine was slower for head. Undefined if either has none. */
function machineSpeedRatio(base: BenchResult, head: BenchResult): number | undefined {
  const [before, after] = [base, head].map(({ noise }) => noise.calibratorMicroseconds);
  if (before.length === 0 || after.length === 0) return undefined;
  return median([...after]) / median([...before]);
}

function notes(base: BenchResult, head: BenchResult, speed: number | undefined): string[] {
  const found = [
    'these were not measured side by side, which is weaker evidence than --base gives',
    speed === undefined
      ? 'one of them has no calibrator: times are compared as they stand'
      : `fixed code of the harness took ${speed.toFixed(3)} times as long for head; times are divided by that`,
  ];
  if (base.machine.fingerprint !== head.machine.fingerprint) {
    found.push(`measured on different machines: ${base.machine.cpu} and ${head.machine.cpu}`);
  }
  const [before, after] = [base, head].map(({ runtime }) => `${runtime.name} ${runtime.version}`);
  if (before !== after) found.push(`measured on different runtimes: ${before} and ${after}`);
  return found;
}

function pairRows(base: BenchResult, head: BenchResult): (readonly [string, Row | undefined, Row | undefined])[] {
  const [before, after] = [base, head].map(({ rows }) => new Map(rows.map((row) => [rowName(row), row])));
  return [...new Set([...after.keys(), ...before.keys()])].map((name) => [name, before.get(name), after.get(name)]);
}

function compareRows(
  implementation: string,
  base: Row | undefined,
  head: Row | undefined,
  speed: number,
  threshold: number,
): ComparisonRow {
  if (base === undefined) return { implementation, status: 'added', side: 'head', reason: 'only head has it' };
  if (head === undefined) return { implementation, status: 'removed', side: 'base', reason: 'only base has it' };
  const refused = ({ status, reason }: RefusedRow, side: Side): ComparisonRow => {
    return { implementation, status: sideOfRefusal[status], side, reason };
  };
  if (base.status !== 'verified') return refused(base, 'base');
  if (head.status !== 'verified') return refused(head, 'head');
  const [before, after] = [base.roundsMicrosecondsPerSample, head.roundsMicrosecondsPerSample];
  const { median, low, high } = independentRatioInterval(after, before);
  // Head over base, divided by the speed of the machine.
  const ratio = { median: median / speed, low: low / speed, high: high / speed };
  const rounds = Math.min(before.length, after.length);
  return {
    implementation,
    status: 'compared',
    ...judgeStored(base, head, rounds, ratio, threshold),
    ratio,
    rounds,
    microsecondsPerSample: { base: base.microsecondsPerSample.median, head: head.microsecondsPerSample.median },
  };
}

function inconclusive(reason: string) {
  return { verdict: 'inconclusive', reason } as const;
}

function judgeStored(base: VerifiedRow, head: VerifiedRow, processes: number, ratio: Interval, threshold: number) {
  if (processes < FEWEST_PROCESSES_FOR_A_VERDICT) {
    return inconclusive(
      `${processes} ${processes === 1 ? 'process is' : 'processes are'} too few for a verdict; it takes ${FEWEST_PROCESSES_FOR_A_VERDICT} on both sides`,
    );
  }
  // Documents differ in length: the mean time over some says little about the mean over others.
  if (base.samplesPerLap !== head.samplesPerLap) {
    return inconclusive(
      `laps of ${base.samplesPerLap} documents in base and of ${head.samplesPerLap} in head are not the same work`,
    );
  }
  switch (position(ratio, threshold)) {
    case 'slower':
      return {
        verdict: 'regression',
        reason: `slower by more than ${percent(threshold)}, by stored results alone`,
      } as const;
    case 'faster':
      return {
        verdict: 'improvement',
        reason: `faster by more than ${percent(threshold)}, by stored results alone`,
      } as const;
    case 'same':
      return { verdict: 'no change', reason: `within ±${percent(threshold)}, by stored results alone` } as const;
    case 'straddling':
      return inconclusive('the interval straddles the threshold; compare the revisions instead');
  }
}
