import { commandLine } from '../project.ts';
import { rowName, taskName } from '../results/names.ts';
import {
  type BenchResult,
  isFailure,
  isVerified,
  type RefusedRow,
  type Row,
  type VerifiedRow,
} from '../results/schema.ts';
import { ratioOver } from '../results/speedup.ts';
import { relativeHalfWidth } from '../statistics/median-interval.ts';
import { type Column, columnTable, left, right, rightWhere } from './column-table.ts';
import {
  formatCount,
  formatIfAny,
  formatMebibytes,
  formatNumber,
  formatPercent,
  formatRate,
  formatRatio,
  formatRowTime,
  formatUncertainty,
  UNSTEADY,
} from './number-format.ts';
import { type Page, painted, wrap } from './page.ts';
import { threadsNote } from './threads-note.ts';

export const sortOrders = ['ladder', 'speed'] as const;
export type SortOrder = (typeof sortOrders)[number];

/** Up to this a row runs on one core, with a little of another for the runtime's own threads. */
const MORE_THAN_ONE_CORE = 1.1;

const timed = rightWhere(isVerified);

/** Of times: in a column of their own, or beside them. */
type Intervals = 'apart' | 'beside';

function columnsOf({ baselines }: BenchResult, intervals: Intervals): readonly Column<Row>[] {
  const time = intervals === 'apart' ? markedTime : formatRowTime;
  return [
    left('implementation', rowName),
    left('language', languageAndPrecision, 2),
    left('technique', (row) => row.technique, 13),
    right('µs/doc', (row) => (isVerified(row) ? time(row) : row.status)),
    ...(intervals === 'apart' ? [timed('±', uncertainty, 3)] : []),
    ...baselines.map(({ row: name, role }, index) =>
      timed(
        `× ${name}`,
        (row) => formatRatio(ratioOver(row, name), row.roundsMicrosecondsPerSample.length),
        // A baseline that nobody asked for is left out first.
        index === 0 ? 1 : role === 'scalar-baseline' ? 20 : 6,
      ),
    ),
    timed('cores', ({ coresUsed = 1 }) => (coresUsed > MORE_THAN_ONE_CORE ? formatNumber(coresUsed, 2) : ''), 6),
    timed('GFLOP/s', ({ gflops }) => formatIfAny(gflops, formatRate), 7),
    timed('peak', ({ fractionOfPeak }) => formatIfAny(fractionOfPeak, formatPercent), 4),
    timed('of 128-bit', ({ fractionOfSimd128Peak }) => formatIfAny(fractionOfSimd128Peak, formatPercent), 12),
    timed('steps verified', ({ stepsVerified }) => formatCount(stepsVerified), 5),
    timed('of bound', ({ fractionOfBound }) => formatPercent(fractionOfBound), 9),
    timed('start ms', ({ startupMilliseconds }) => formatNumber(startupMilliseconds), 8),
    timed('build ms', ({ buildMilliseconds }) => formatIfAny(buildMilliseconds), 11),
    timed('MiB', ({ peakRssBytes }) => formatIfAny(peakRssBytes, formatMebibytes), 10),
  ];
}

/** `TS f32`, or `TS f32 ×2` on two threads; of `Python (NumPy)` what stands in parentheses. */
function languageAndPrecision({ language, precision, threads }: Row): string {
  const short = language === 'TypeScript' ? 'TS' : (/\((.+)\)$/.exec(language)?.[1] ?? language);
  const name = `${short} ${precision === 'float32' ? 'f32' : 'f64'}`;
  return threads === 1 ? name : `${name} ×${threads}`;
}

function markedTime({ microsecondsPerSample, steady }: VerifiedRow): string {
  return `${steady ? '' : '~'}${formatNumber(microsecondsPerSample.median)}`;
}

/** One process gives no interval. */
function uncertainty({ microsecondsPerSample, roundsMicrosecondsPerSample }: VerifiedRow): string {
  return roundsMicrosecondsPerSample.length < 2 ? '' : formatUncertainty(relativeHalfWidth(microsecondsPerSample));
}

/** The result as a person reads it in the terminal: task, machine, table, why rows have no time, and what to know about the figures. */
export function benchTable(result: BenchResult, page: Page, order: SortOrder = 'ladder'): string {
  const { task, machine, runtime } = result;
  const paint = (row: Row, text: string) =>
    isVerified(row) ? text : painted(page, isFailure(row) ? 'red' : 'dim', text);
  const text = (line: string) => wrap(line, page.width);
  const rows = order === 'ladder' ? result.rows : result.rows.toSorted((a, b) => time(a) - time(b));
  const tableWith = (intervals: Intervals) => columnTable(columnsOf(result, intervals), rows, page, paint);
  const [apart, beside] = [tableWith('apart'), tableWith('beside')];
  const columns = (framed: string) => framed.slice(0, framed.indexOf('\n')).split('┬').length;
  // Beside the times they take less room, and may push out no other column.
  const table = apart.includes('±') || columns(beside) < columns(apart) ? apart : beside;
  return [
    text(`${taskName(task)}: ${formatCount(task.parameterCount)} parameters`),
    text(`${machine.cpu}, ${machine.cores} cores, ${machine.platform}; ${runtime.name} ${runtime.version}`),
    table,
    ...rows.flatMap((row) => (isVerified(row) ? [] : [paint(row, text(refusal(row, result.command)))])),
    ...legend(result, table).map(text),
    ...warnings(result).map((line) => painted(page, 'yellow', text(line))),
  ].join('\n');
}

function time(row: Row): number {
  return isVerified(row) ? row.microsecondsPerSample.median : Number.POSITIVE_INFINITY;
}

/** Flags of `bench` that say what is trained, and where it lies: `check` has them too. */
const SHARED_FLAG = /^--(impls|preset|n-\w+|block-size|batch|seed|num-steps|learning-rate|dataset|runtime)(=|$)/;

function refusal(row: RefusedRow, command: readonly string[]): string {
  const shared = command.flatMap((word, i) =>
    SHARED_FLAG.test(word) ? command.slice(i, word.includes('=') ? i + 1 : i + 2) : [],
  );
  const advice = isFailure(row) ? `; for more: ${commandLine('check', row.implementation, ...shared)}` : '';
  return `${rowName(row)}: ${row.status}: ${row.reason}${advice}`;
}

function legend(result: BenchResult, table: string): string[] {
  const { rows, machine } = result;
  const verified = rows.filter(isVerified);
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
      ...fewDocuments(verified),
      ...(peak !== undefined && shows('peak')
        ? [`peak: of one core's ${formatNumber(peak.float32)} GFLOP/s f32, ${formatNumber(peak.float64)} f64`]
        : []),
      ...(machine.simd128PeakGflops !== undefined && shows('of 128-bit')
        ? [
            `of 128-bit: of what a core reaches with vectors of 128 bits, the widest of WebAssembly: ${formatNumber(machine.simd128PeakGflops.float32)} and ${formatNumber(machine.simd128PeakGflops.float64)}`,
          ]
        : []),
      ...threadsNote([result]),
      ...(verified.some((row) => !row.steady) ? [UNSTEADY] : []),
    ].join('; '),
  ];
}

/** Fast rows take hundreds. */
const FEW_DOCUMENTS = 32;

function fewDocuments(rows: readonly VerifiedRow[]): string[] {
  const few = rows
    .map((row) => ({ name: rowName(row), documents: row.samplesMeasured / row.roundsMicrosecondsPerSample.length }))
    .filter(({ documents }) => documents < FEW_DOCUMENTS)
    .map(({ name, documents }) => `${name} ${formatCount(Math.round(documents))}`);
  return few.length === 0 ? [] : [`slow rows time few documents in a process: ${few.join(', ')}`];
}

function warnings({ rows, noise, command }: BenchResult): string[] {
  const longer = command.includes('--quick') ? 'leave out --quick' : 'give it a longer --budget';
  const advice = `Trust ratios more than times; to narrow both, end other work or ${longer}.`;
  const outliers = rows.flatMap((row) =>
    isVerified(row) && row.outlierRounds.length > 0
      ? [`${rowName(row)} ${row.outlierRounds.map((round) => round + 1).join(' ')}`]
      : [],
  );
  return [
    ...(outliers.length === 0 ? [] : [`rounds far from the others (kept): ${outliers.join(', ')}`]),
    ...(noise.warnings.length === 0 || !rows.some(isVerified)
      ? []
      : [`noisy run: ${noise.warnings.join('; ')}. ${advice}`]),
  ];
}
