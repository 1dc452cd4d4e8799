import { median } from 'simple-statistics';
import { percent, percentChange } from '../../harness/compare/verdict.ts';
import { medianInterval } from '../../harness/measure/median-interval.ts';
import type { ComparisonRun, Record } from './record.ts';

const START = '<!-- figures: npm run trust-figures -->';
const END = '<!-- /figures -->';

/** The figures as a Markdown table: what must hold, and what was measured. */
export function figuresTable(record: Record): string {
  const { sameCalm, sameLoaded, slowed10, slowed20, coverage, overhead } = record;
  const all = [...sameCalm, ...sameLoaded, ...slowed10, ...slowed20];
  const rows = [
    ['a revision compared with itself never fails', falseAlarms(sameCalm), 'machine left alone'],
    ['the same while another process loads a core', falseAlarms(sameLoaded), 'one busy process'],
    ['a slowdown of 10% is found in 9 of 10', found(slowed10), 'one implementation slowed'],
    ['a slowdown of 20% is found in 10 of 10', found(slowed20), 'one implementation slowed'],
    ['a default comparison of two TypeScript implementations ends within 120 s', longest(all), 'all of the above'],
    ['27 of 30 intervals of `bench` contain the overall median', covered(record), '7 rounds each'],
    ['what `bench` reports is within 2% of a bare loop', overheadOf(overhead), 'two processes, lap by lap in turn'],
  ];
  const machine =
    all.length === 0
      ? ''
      : `\nLoad average over the comparisons, median: ${median(all.map((run) => run.loadAverage)).toFixed(1)}.\n`;
  return [
    '| must hold | measured | how |',
    '| --- | --- | --- |',
    ...rows.filter(([, measured]) => measured !== '').map((cells) => `| ${cells.join(' | ')} |`),
    machine,
  ].join('\n');

  function covered({ coverage: intervals }: Record): string {
    if (coverage.length === 0) return '';
    const center = median(intervals.map((interval) => interval.median));
    const hits = intervals.filter(({ low, high }) => low <= center && center <= high).length;
    return `${hits} of ${intervals.length}`;
  }
}

/** Puts the figures into a page, between its two marks. @throws Error where the page has none */
export function withFigures(page: string, record: Record): string {
  const [before, rest] = page.split(START);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`the page has no place for the figures: ${START} … ${END}`);
  return `${before}${START}\n\n${figuresTable(record)}\n${END}${after}`;
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

function overheadOf(ratios: readonly number[]): string {
  if (ratios.length === 0) return '';
  const interval = medianInterval(ratios);
  return `${percentChange(interval.median)} (${percentChange(interval.low)} … ${percentChange(interval.high)}, ${ratios.length} pairs; ±${percent((interval.high - interval.low) / 2)})`;
}
