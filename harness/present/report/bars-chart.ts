import { barX, dot, link, type Markish, ruleX, text } from '@observablehq/plot';
import { rowName } from '../../results/names.ts';
import { type BenchResult, isVerified, type Row, type VerifiedRow } from '../../results/schema.ts';
import { factorBetween, ratioOver } from '../../results/speedup.ts';
import { formatFactor, formatNumber } from '../number-format.ts';
import {
  axisBelow,
  type Chart,
  cutToPixels,
  decades,
  drawing,
  formatTick,
  halo,
  languageLegend,
  textPixels,
} from './chart.ts';
import { cssColor, languageColor } from './palette.ts';

const LINE_PIXELS = 27;
const AXIS_PIXELS = 44;

/**
 * A bar to the median time of every row, its interval, and a dot for every round. A wrong or broken row says so in red.
 *
 * @param range microseconds that the axis covers, so that several machines can be compared
 */
export function barsChart(result: BenchResult, range: readonly [number, number] = timeRange([result])): Chart {
  const [fastest] = result.rows.filter(isVerified).toSorted(byTime);
  const named =
    fastest === undefined ? 'none' : `${rowName(fastest)}, ${formatNumber(fastest.microsecondsPerSample.median)} µs`;
  const label = `Time a document of each implementation, on a logarithmic axis; shorter is faster. Fastest: ${named}.`;
  const shown = result.rows.filter((row) => row.status !== 'skipped' && row.status !== 'unsupported');
  return (width) => {
    const legend = languageLegend(
      shown.map(({ language }) => language),
      width,
    );
    const lines: Line[] = [
      ...legend.keys.map((key) => ({ key })),
      ...[...Map.groupBy(shown, ({ technique }) => technique)].flatMap(([technique, rows]) => [
        { key: `t${technique}`, heading: technique },
        ...rows.map((row) => ({ key: `r${rowName(row)}`, row })),
      ]),
    ];
    const rows = lines.filter((line) => 'row' in line);
    const timed = rows.flatMap(({ key, row }) => (isVerified(row) ? [{ key, row, ...row.microsecondsPerSample }] : []));
    const refused = rows.filter(({ row }) => !isVerified(row));
    const dots = timed.flatMap(({ key, row }) => row.roundsMicrosecondsPerSample.map((time) => ({ key, time })));
    const headline = result.baselines[0]?.row ?? '';
    const textOf = (row: VerifiedRow) => {
      const ratio = width >= 600 && headline !== rowName(row) ? ratioOver(row, headline) : undefined;
      return `${formatNumber(row.microsecondsPerSample.median)} µs${ratio === undefined ? '' : `  ${formatFactor(ratio.median)}`}`;
    };
    const values = timed.map(({ row }) => textOf(row));
    const nameColor = (row: Row) => cssColor(isVerified(row) ? 'ink' : 'wrong');
    return drawLines({ label, width, range, lines, values, legend, nameColor }, [
      barX(timed, { y: 'key', x1: range[0], x2: 'median', fill: ({ row }) => languageColor(row.language), rx: 2 }),
      link(timed, { y: 'key', x1: 'low', x2: 'high', stroke: cssColor('ink'), strokeWidth: 1.5 }),
      dot(dots, { y: 'key', x: 'time', r: 2, fill: cssColor('paper'), stroke: cssColor('ink'), strokeWidth: 0.8 }),
      text(timed, {
        y: 'key',
        x: ({ row }) => Math.max(...spread(row)),
        text: ({ row }) => textOf(row),
        textAnchor: 'start',
        dx: 8,
        ...halo,
      }),
      text(refused, {
        y: 'key',
        text: ({ row }) => (row.status === 'mismatch' ? '✗ wrong: no time' : '✗ broke: no time'),
        frameAnchor: 'left',
        textAnchor: 'start',
        dx: 6,
        fill: cssColor('wrong'),
      }),
    ]);
  };
}

export function timeRange(results: readonly BenchResult[]): readonly [number, number] {
  const times = results.flatMap(({ rows }) => rows.filter(isVerified).flatMap((row) => spread(row)));
  if (times.length === 0) return [1, 10];
  return [10 ** Math.floor(Math.log10(Math.min(...times) * 0.8)), Math.max(...times)];
}

function spread({ microsecondsPerSample: { low, high }, roundsMicrosecondsPerSample }: VerifiedRow): number[] {
  return [low, high, ...roundsMicrosecondsPerSample];
}

export function byTime(a: VerifiedRow, b: VerifiedRow): number {
  return a.microsecondsPerSample.median - b.microsecondsPerSample.median;
}

/** One step of the ladder: a row, the one idea it adds, and how many times faster that made it than the rung before. */
interface Rung {
  readonly row: VerifiedRow;
  readonly idea: string;
  readonly factor?: number;
}

/** The table's first row, then the rows of the language that has most, in the order of their manifests. */
export function ladderOf({ rows }: BenchResult): readonly Rung[] {
  const timed = rows.filter(isVerified);
  const languages = [...Map.groupBy(timed, ({ language }) => language)].toSorted(([, a], [, b]) => b.length - a.length);
  if (languages.length === 0) return [];
  const [language] = languages[0];
  const climbed = timed.filter((row, i) => i === 0 || row.language === language);
  return climbed.map((row, i) => {
    if (i === 0) return { row, idea: row.technique };
    const before = climbed[i - 1];
    // Two rows of one technique differ in precision.
    const isOther = row.technique === before.technique && row.precision !== before.precision;
    const idea = isOther ? `${row.precision} instead of ${before.precision}` : row.technique;
    return { row, idea, factor: factorBetween(row, before) };
  });
}

/** From row to row: what is left of the time is solid, what the idea took away is pale. */
export function ladderChart(result: BenchResult): Chart {
  const rungs = ladderOf(result);
  const steps = rungs.flatMap(({ idea, factor }) => (factor === undefined ? [] : [`${idea} ${formatFactor(factor)}`]));
  const label = `What each idea brought, as a factor of time on a logarithmic axis: ${steps.join('; ')}.`;
  const range = timeRange([result]);
  const lines = rungs.flatMap(({ row, idea }, i) => [
    { key: `t${i}`, heading: i === 0 ? idea : `+ ${idea}` },
    { key: `r${i}`, row },
  ]);
  const bars = rungs.map((rung, i) => ({
    ...rung,
    key: `r${i}`,
    time: rung.row.microsecondsPerSample.median,
    before: i === 0 ? undefined : rungs[i - 1].row.microsecondsPerSample.median,
  }));
  const textOf = ({ time, factor }: (typeof bars)[number]) =>
    factor === undefined ? `${formatNumber(time)} µs` : formatFactor(factor);
  return (width) =>
    drawLines({ label, width, range, lines, values: bars.map(textOf) }, [
      barX(bars, { y: 'key', x1: range[0], x2: 'time', fill: ({ row }) => languageColor(row.language), rx: 2 }),
      barX(
        bars.filter(({ before }) => before !== undefined),
        { y: 'key', x1: 'time', x2: 'before', fill: ({ row }) => languageColor(row.language), fillOpacity: 0.22 },
      ),
      text(bars, {
        y: 'key',
        x: ({ time, before }) => Math.max(time, before ?? 0),
        text: textOf,
        textAnchor: 'start',
        dx: 6,
        fontWeight: 'bold',
        ...halo,
      }),
    ]);
}

/** One line of a chart: the legend, a heading over rows, or a row. */
type Line =
  | { readonly key: string }
  | { readonly key: string; readonly heading: string }
  | { readonly key: string; readonly row: Row };

interface LinesChart {
  readonly label: string;
  readonly width: number;
  readonly range: readonly [number, number];
  readonly lines: readonly Line[];
  /** Texts that stand behind the bars. */
  readonly values: readonly string[];
  readonly legend?: ReturnType<typeof languageLegend>;
  readonly nameColor?: (row: Row) => string;
}

function drawLines({ label, width, range, lines, values, legend, nameColor }: LinesChart, marks: readonly Markish[]) {
  const headings = lines.filter((line) => 'heading' in line);
  const rows = lines.filter((line) => 'row' in line);
  const nameSpace = Math.min(0.36 * width, Math.max(40, ...rows.map(({ row }) => textPixels(rowName(row))))) + 12;
  const valueSpace = Math.max(40, ...values.map(textPixels)) + 10;
  return drawing(label, {
    width,
    height: lines.length * LINE_PIXELS + AXIS_PIXELS,
    marginLeft: nameSpace,
    marginRight: valueSpace,
    marginTop: 4,
    marginBottom: AXIS_PIXELS - 4,
    x: {
      type: 'log',
      domain: [...range],
      ...axisBelow('µs a document, logarithmic', 36),
      ticks: decades(range, width - nameSpace - valueSpace),
      tickFormat: formatTick,
    },
    y: { type: 'band', domain: lines.map(({ key }) => key), axis: null, padding: 0.3 },
    marks: [
      ruleX(decades(range), { stroke: cssColor('line') }),
      ...(legend?.marks(nameSpace) ?? []),
      text(headings, {
        y: 'key',
        text: ({ heading }) => cutToPixels(heading, width),
        frameAnchor: 'left',
        textAnchor: 'start',
        dx: -nameSpace,
        dy: 3,
        ...halo,
        fill: cssColor('muted'),
        fontStyle: 'italic',
      }),
      text(rows, {
        y: 'key',
        text: ({ row }) => cutToPixels(rowName(row), nameSpace - 8),
        frameAnchor: 'left',
        textAnchor: 'end',
        dx: -8,
        ...(nameColor && { fill: ({ row }: { readonly row: Row }) => nameColor(row) }),
      }),
      ...marks,
    ],
  });
}
