import { availableParallelism } from 'node:os';
import { median } from 'simple-statistics';
import { medianInterval } from '../../harness/statistics/median-interval.ts';
import { percentChange } from '../../harness/statistics/percent.ts';
import { alignedTable } from './page.ts';
import type { ComparisonRun, Record } from './record.ts';

/** The figures as a Markdown table: what is promised, and what was measured. */
export function figuresTable(record: Record): string {
  const { sameCalm, sameLoaded, slowed10, slowed20, coverage, overhead } = record;
  const all = [...sameCalm, ...sameLoaded, ...slowed10, ...slowed20];
  const rows = [
    ['a revision compared with itself never fails', falseAlarms(sameCalm)],
    ['the same while another process loads a core', falseAlarms(sameLoaded)],
    ['a slowdown of 10% is found in 9 of 10', found(slowed10)],
    ['a slowdown of 20% is found in 10 of 10', found(slowed20)],
    ['a default comparison of two TypeScript implementations ends within 120 s', longest(all)],
    ['27 of 30 intervals of `bench` contain the overall median', covered(coverage)],
    ['what `bench` reports is within 2% of a bare loop', overheadOf(overhead)],
  ];
  const measured = rows.filter(([, figure]) => figure !== '');
  return `${alignedTable([['must hold', 'measured'], ...measured])}\n${circumstances(all)}`;
}

/** The machine's load during the runs: on a busy machine a comparison says little about the tool. */
function circumstances(runs: readonly ComparisonRun[]): string {
  if (runs.length === 0) return '';
  const load = median(runs.map((run) => run.loadAverage)).toFixed(1);
  return `\nOn ${availableParallelism()} cores; load average at the end of the comparisons: ${load} in the middle.\n`;
}

function falseAlarms(runs: readonly ComparisonRun[]): string {
  if (runs.length === 0) return '';
  const failed = runs.filter(({ verdict }) => verdict === 'regression').length;
  const inconclusive = runs.filter(({ verdict }) => verdict === 'inconclusive').length;
  return `${failed} of ${runs.length} failed, ${inconclusive} inconclusive`;
}

function found(runs: readonly ComparisonRun[]): string {
  if (runs.length === 0) return '';
  const hits = runs.filter(({ exitCode }) => exitCode === 3).length;
  return `${hits} of ${runs.length}, measured as ${percentChange(median(runs.map(({ ratio }) => ratio)))}`;
}

function longest(runs: readonly ComparisonRun[]): string {
  if (runs.length === 0) return '';
  const seconds = runs.map((run) => run.seconds);
  return `${Math.max(...seconds).toFixed(0)} s at most, ${median(seconds).toFixed(0)} s in the middle`;
}

function covered(intervals: Record['coverage']): string {
  if (intervals.length === 0) return '';
  const center = median(intervals.map((interval) => interval.median));
  const hits = intervals.filter(({ low, high }) => low <= center && center <= high).length;
  return `${hits} of ${intervals.length}`;
}

function overheadOf(ratios: readonly number[]): string {
  if (ratios.length === 0) return '';
  const interval = medianInterval(ratios);
  return `${percentChange(interval.median)} (${percentChange(interval.low)} … ${percentChange(interval.high)}), ${ratios.length} pairs of processes`;
}
