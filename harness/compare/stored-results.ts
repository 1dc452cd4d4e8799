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
import { type Position, position } from './verdict.ts';

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
    base: sideOf(base),
    head: sideOf(head),
    threshold,
    task: head.result.task,
    rows,
    notes: notes(base.result, head.result, speed),
  };
}

function sideOf({ file, result }: StoredResult): Comparison['base'] {
  return { name: file, ...(result.commit === undefined ? {} : { commit: result.commit }) };
}

/** Head's calibrator time over base's: above 1 the machine was slower for head. Undefined if either has none. */
function machineSpeedRatio(base: BenchResult, head: BenchResult): number | undefined {
  const [before, after] = [base, head].map(({ noise }) => noise.calibratorMicroseconds);
  if (before.length === 0 || after.length === 0) return undefined;
  return median([...after]) / median([...before]);
}

function notes(base: BenchResult, head: BenchResult, speed: number | undefined): string[] {
  const found = ['these were not measured side by side, which is weaker evidence than --base gives'];
  if (speed === undefined) found.push('one of them has no calibrator: times are compared as they stand');
  else
    found.push(`fixed code of the harness took ${speed.toFixed(3)} times as long for head; times are divided by that`);
  if (base.machine.fingerprint !== head.machine.fingerprint) {
    found.push(`measured on different machines: ${base.machine.cpu} and ${head.machine.cpu}`);
  }
  if (base.runtime.version !== head.runtime.version || base.runtime.name !== head.runtime.name) {
    found.push(`measured on different runtimes: ${runtimeName(base)} and ${runtimeName(head)}`);
  }
  return found;
}

function runtimeName({ runtime }: BenchResult): string {
  return `${runtime.name} ${runtime.version}`;
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
  const refused = (row: RefusedRow, side: Side): ComparisonRow => {
    return { implementation, status: sideOfRefusal[row.status], side, reason: row.reason };
  };
  if (base.status !== 'verified') return refused(base, 'base');
  if (head.status !== 'verified') return refused(head, 'head');
  const ratio = ratioInterval(base, head, speed);
  return {
    implementation,
    status: 'compared',
    ...judgeStored(base, head, ratio, threshold),
    ratio,
    rounds: processesOf(base, head),
    microsecondsPerSample: { base: base.microsecondsPerSample.median, head: head.microsecondsPerSample.median },
  };
}

function processesOf(base: VerifiedRow, head: VerifiedRow): number {
  return Math.min(base.roundsMicrosecondsPerSample.length, head.roundsMicrosecondsPerSample.length);
}

function inconclusive(reason: string) {
  return { verdict: 'inconclusive', reason } as const;
}

function judgeStored(base: VerifiedRow, head: VerifiedRow, ratio: Interval, threshold: number) {
  if (processesOf(base, head) < FEWEST_PROCESSES_FOR_A_VERDICT) {
    return inconclusive(
      `${processesOf(base, head)} processes are too few for a verdict; it takes ${FEWEST_PROCESSES_FOR_A_VERDICT} on both sides`,
    );
  }
  // Documents differ in length: the mean time over some says little about the mean over others.
  if (base.samplesPerLap !== head.samplesPerLap) {
    return inconclusive(
      `laps of ${base.samplesPerLap} documents in base and of ${head.samplesPerLap} in head are not the same work`,
    );
  }
  return judgePosition(position(ratio, threshold), threshold);
}

function judgePosition(where: Position, threshold: number) {
  const reasons = {
    slower: { verdict: 'regression', reason: `slower by more than ${percent(threshold)}, by stored results alone` },
    faster: { verdict: 'improvement', reason: `faster by more than ${percent(threshold)}, by stored results alone` },
    same: { verdict: 'no change', reason: `within ±${percent(threshold)}, by stored results alone` },
    straddling: {
      verdict: 'inconclusive',
      reason: 'the interval straddles the threshold; compare the revisions instead',
    },
  } as const;
  return reasons[where];
}

/** Head over base, divided by the speed of the machine. */
function ratioInterval(base: VerifiedRow, head: VerifiedRow, speed: number): Interval {
  const { median, low, high } = independentRatioInterval(
    head.roundsMicrosecondsPerSample,
    base.roundsMicrosecondsPerSample,
  );
  return { median: median / speed, low: low / speed, high: high / speed };
}
