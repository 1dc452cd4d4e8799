import { styleText } from 'node:util';
import type { BenchResult, Row, VerifiedRow } from '../results/schema.ts';
import { relativeHalfWidth } from '../statistics/median-interval.ts';
import { type Column, columnTable } from './column-table.ts';
import { rowName, taskName } from './export/exporter.ts';
import {
  formatError,
  formatFactor,
  formatMebibytes,
  formatNumber,
  formatPercent,
  formatRate,
  formatUncertainty,
} from './number-format.ts';
import type { Page } from './page.ts';
import { wrap } from './wrap.ts';

const columns: readonly Column<Row>[] = [
  { heading: 'implementation', align: 'left', dropOrder: 0, cell: rowName },
  { heading: 'language', align: 'left', dropOrder: 12, cell: (row) => row.language },
  { heading: 'technique', align: 'left', dropOrder: 13, cell: (row) => row.technique },
  { heading: 'precision', align: 'left', dropOrder: 8, cell: (row) => row.precision },
  {
    heading: 'µs/sample',
    align: 'right',
    dropOrder: 0,
    cell: (row) => (row.status === 'verified' ? formatNumber(row.microsecondsPerSample.median) : row.status),
  },
  timed('interval', 3, (row) => uncertainty(row)),
  timed('× Python', 1, ({ speedup }) => (speedup.overPython ? formatFactor(speedup.overPython.median) : '')),
  timed('× scalar', 2, ({ speedup }) => (speedup.overScalar ? formatFactor(speedup.overScalar.median) : '')),
  timed('GFLOP/s', 6, ({ gflops }) => (gflops === undefined ? '' : formatRate(gflops))),
  timed('peak', 4, ({ fractionOfPeak }) => (fractionOfPeak === undefined ? '' : formatPercent(fractionOfPeak))),
  timed('verified', 5, ({ stepsVerified }) =>
    stepsVerified === 1 ? '1 step' : `${stepsVerified.toLocaleString('en-US')} steps`,
  ),
  timed('error', 9, (row) => formatError(row.maxLossError)),
  timed('start ms', 7, (row) => formatNumber(row.startupMilliseconds)),
  timed('build ms', 11, (row) => (row.buildMilliseconds === undefined ? '' : formatNumber(row.buildMilliseconds))),
  timed('MiB', 10, (row) => (row.peakRssBytes === undefined ? '' : formatMebibytes(row.peakRssBytes))),
];

/** Only a row that was timed has anything to say in these columns. */
function timed(heading: string, dropOrder: number, cell: (row: VerifiedRow) => string): Column<Row> {
  return { heading, align: 'right', dropOrder, cell: (row) => (row.status === 'verified' ? cell(row) : '') };
}

/** One process gives no interval. */
function uncertainty({ microsecondsPerSample, roundsMicrosecondsPerSample, steady }: VerifiedRow): string {
  const mark = steady ? '' : '~';
  if (roundsMicrosecondsPerSample.length < 2) return mark;
  return `${mark}${formatUncertainty(relativeHalfWidth(microsecondsPerSample))}`;
}

/** The result as a person reads it in the terminal: task, machine, table, reasons of the rows without a time, warnings. */
export function benchTable(result: BenchResult, page: Page): string {
  const paint = (row: Row, text: string) => {
    if (!page.color || row.status === 'verified') return text;
    return styleText(isFailure(row) ? 'red' : 'dim', text, { validateStream: false });
  };
  const text = (line: string) => wrap(line, page.width);
  return [
    text(taskLine(result)),
    text(machineLine(result)),
    columnTable(columns, result.rows, { width: page.width, paint }),
    ...legend(result).map(text),
    ...result.rows.flatMap((row) => notes(row).map((note) => paint(row, text(note)))),
    ...result.noise.warnings.map((warning) => paintWarning(page, text(`warning: ${warning}`))),
  ].join('\n');
}

/** A row that went wrong, as against one that could not run here. */
function isFailure(row: Row): boolean {
  return row.status === 'mismatch' || row.status === 'error';
}

function taskLine(result: BenchResult): string {
  const { task } = result;
  const parameters = task.parameterCount.toLocaleString('en-US');
  const schedule = `seed ${task.seed}, schedule of ${task.numSteps.toLocaleString('en-US')} steps`;
  return `${taskName(result)}: ${parameters} parameters, ${schedule}`;
}

function machineLine({ machine, runtime }: BenchResult): string {
  const peak = machine.peakGflops;
  const measured =
    peak === undefined
      ? ''
      : `; peak of one core ${formatNumber(peak.float32)} GFLOP/s float32, ${formatNumber(peak.float64)} float64`;
  return `${machine.cpu}, ${machine.cores} cores; ${runtime.name} ${runtime.version}${measured}`;
}

function legend(result: BenchResult): string[] {
  const rounds = Math.max(
    0,
    ...result.rows.map((row) => (row.status === 'verified' ? row.roundsMicrosecondsPerSample.length : 0)),
  );
  if (rounds === 0) return [];
  const unsteady = result.rows.some((row) => row.status === 'verified' && !row.steady);
  return [
    `median of ${rounds} ${rounds === 1 ? 'process' : 'processes'} a row, ± its 95% interval; peak: matrix work alone, of this machine's 128-bit SIMD`,
    ...(unsteady ? ['~ not steady: lap times had not settled when warm-up ran out of time'] : []),
  ];
}

function notes(row: Row): string[] {
  if (row.status !== 'verified') {
    const more = isFailure(row) ? ` (npm run check -- ${row.implementation} tells more)` : '';
    return [`${rowName(row)}: ${row.status}: ${row.reason}${more}`];
  }
  const outliers = row.outlierRounds.map((round) => round + 1);
  if (outliers.length === 0) return [];
  return [`${rowName(row)}: round ${outliers.join(', ')} lies far from the others (kept)`];
}

function paintWarning(page: Page, text: string): string {
  return page.color ? styleText('yellow', text, { validateStream: false }) : text;
}
