import { styleText } from 'node:util';
import { rowName, taskName } from '../results/names.ts';
import type { BenchResult, Row, VerifiedRow } from '../results/schema.ts';
import { relativeHalfWidth } from '../statistics/median-interval.ts';
import { type Column, columnTable } from './column-table.ts';
import {
  formatMebibytes,
  formatNumber,
  formatPercent,
  formatRate,
  formatRatio,
  formatUncertainty,
} from './number-format.ts';
import type { Page } from './page.ts';
import { wrap } from './wrap.ts';

export const sortOrders = ['ladder', 'speed'] as const;
export type SortOrder = (typeof sortOrders)[number];

/** Below that a row runs on one core, and the runtime's own threads on a little of another. */
const MORE_THAN_ONE_CORE = 1.1;

/** The columns, for the baselines that this result has. */
function columnsOf({ baselines }: BenchResult): readonly Column<Row>[] {
  return [
    { heading: 'implementation', align: 'left', dropOrder: 0, cell: rowName },
    { heading: 'language', align: 'left', dropOrder: 2, cell: languageAndPrecision },
    { heading: 'technique', align: 'left', dropOrder: 13, cell: (row) => row.technique },
    {
      heading: 'µs/doc',
      align: 'right',
      dropOrder: 0,
      cell: (row) => (row.status === 'verified' ? formatNumber(row.microsecondsPerSample.median) : row.status),
    },
    timed('±', 3, (row) => uncertainty(row)),
    ...baselines.map(({ row: name, role }, index) =>
      // What nobody asked for goes first.
      timed(`× ${name}`, index === 0 ? 1 : role === 'scalar-baseline' ? 20 : 6, (row) => {
        const ratio = row.speedup[name];
        return ratio === undefined ? '' : formatRatio(ratio, row.roundsMicrosecondsPerSample.length);
      }),
    ),
    timed('cores', 6, ({ coresUsed = 1 }) => (coresUsed > MORE_THAN_ONE_CORE ? formatNumber(coresUsed, 2) : '')),
    timed('GFLOP/s', 7, ({ gflops }) => (gflops === undefined ? '' : formatRate(gflops))),
    timed('peak', 4, ({ fractionOfPeak }) => (fractionOfPeak === undefined ? '' : formatPercent(fractionOfPeak))),
    timed('steps verified', 5, ({ stepsVerified }) => stepsVerified.toLocaleString('en-US')),
    timed('of bound', 9, ({ fractionOfBound }) => formatPercent(fractionOfBound)),
    timed('start ms', 8, (row) => formatNumber(row.startupMilliseconds)),
    timed('build ms', 11, (row) => (row.buildMilliseconds === undefined ? '' : formatNumber(row.buildMilliseconds))),
    timed('MiB', 10, (row) => (row.peakRssBytes === undefined ? '' : formatMebibytes(row.peakRssBytes))),
  ];
}

/** Only a row that was timed has anything to say in these columns. */
function timed(heading: string, dropOrder: number, cell: (row: VerifiedRow) => string): Column<Row> {
  return { heading, align: 'right', dropOrder, cell: (row) => (row.status === 'verified' ? cell(row) : '') };
}

/** `TS f32`, or `TS f32 ×2` on two threads: short, because it stays in the narrowest tables. */
function languageAndPrecision({ language, precision, threads }: Row): string {
  const name = `${language === 'TypeScript' ? 'TS' : language} ${precision === 'float32' ? 'f32' : 'f64'}`;
  return threads === 1 ? name : `${name} ×${threads}`;
}

/** One process gives no interval. */
function uncertainty({ microsecondsPerSample, roundsMicrosecondsPerSample, steady }: VerifiedRow): string {
  const mark = steady ? '' : '~';
  if (roundsMicrosecondsPerSample.length < 2) return mark;
  return `${mark}${formatUncertainty(relativeHalfWidth(microsecondsPerSample))}`;
}

/**
 * The result as a person reads it in the terminal: task, machine, table, then why rows have no time, and what to know about the
 * figures in a line or two.
 */
export function benchTable(result: BenchResult, page: Page, order: SortOrder = 'ladder'): string {
  const paint = (row: Row, text: string) => {
    if (!page.color || row.status === 'verified') return text;
    return styleText(isFailure(row) ? 'red' : 'dim', text, { validateStream: false });
  };
  const text = (line: string) => wrap(line, page.width);
  const rows = order === 'ladder' ? result.rows : result.rows.toSorted((a, b) => time(a) - time(b));
  const columns = columnsOf(result);
  const table = columnTable(columns, rows, { width: page.width, paint });
  return [
    text(taskLine(result)),
    text(machineLine(result)),
    table,
    ...refusals(rows).map(({ row, reason }) => paint(row, text(reason))),
    ...legend(result, table).map(text),
    ...warnings(result).map((line) => paintWarning(page, text(line))),
  ].join('\n');
}

/** The slowest last, and after it those without a time. */
function time(row: Row): number {
  return row.status === 'verified' ? row.microsecondsPerSample.median : Number.POSITIVE_INFINITY;
}

/** A row that went wrong, as against one that could not run here. */
function isFailure(row: Row): boolean {
  return row.status === 'mismatch' || row.status === 'error';
}

function taskLine({ task }: BenchResult): string {
  return `${taskName(task)}: ${task.parameterCount.toLocaleString('en-US')} parameters`;
}

function machineLine({ machine, runtime }: BenchResult): string {
  return `${machine.cpu}, ${machine.cores} cores, ${machine.platform}; ${runtime.name} ${runtime.version}`;
}

function refusals(rows: readonly Row[]): { readonly row: Row; readonly reason: string }[] {
  return rows.flatMap((row) => {
    if (row.status === 'verified') return [];
    const advice = isFailure(row) ? `; for more: npm run check -- ${row.implementation}` : '';
    return [{ row, reason: `${rowName(row)}: ${row.status}: ${row.reason}${advice}` }];
  });
}

/** One line about what is in the table, and nothing about what is not. */
function legend({ rows, machine }: BenchResult, table: string): string[] {
  const verified = rows.filter((row) => row.status === 'verified');
  if (verified.length === 0) return [];
  const counts = verified.map((row) => row.roundsMicrosecondsPerSample.length);
  const [fewest, most] = [Math.min(...counts), Math.max(...counts)];
  const processes =
    fewest === most ? `${most} ${most === 1 ? 'process' : 'processes'}` : `${fewest} to ${most} processes`;
  const peak = machine.nativePeakGflops ?? machine.simd128PeakGflops;
  const shows = (heading: string) => table.includes(` ${heading} `) || table.includes(` ${heading}:`);
  return [
    [
      `µs/doc: median of ${processes} a row${most > 1 ? ', with 95% intervals' : ', too few for an interval'}`,
      ...(peak !== undefined && shows('peak')
        ? [`peak: of one core's ${formatNumber(peak.float32)} GFLOP/s f32, ${formatNumber(peak.float64)} f64`]
        : []),
      ...(verified.some((row) => !row.steady) && shows('±') ? ['~ still warming up when timed'] : []),
    ].join('; '),
  ];
}

/** What to do about noise, said once. */
const ADVICE = 'Trust ratios more than times; for narrower intervals end other work, or add --budget.';

/** Everything that weakens the figures: one line for rounds that lie apart, one for the rest. */
function warnings({ rows, noise }: BenchResult): string[] {
  const outliers = rows.flatMap((row) =>
    row.status === 'verified' && row.outlierRounds.length > 0
      ? [`${rowName(row)} ${row.outlierRounds.map((round) => round + 1).join(' ')}`]
      : [],
  );
  return [
    ...(outliers.length === 0 ? [] : [`rounds far from the others (kept): ${outliers.join(', ')}`]),
    ...(noise.warnings.length === 0 ? [] : [`noisy run: ${noise.warnings.join('; ')}. ${ADVICE}`]),
  ];
}

function paintWarning(page: Page, text: string): string {
  return page.color ? styleText('yellow', text, { validateStream: false }) : text;
}
