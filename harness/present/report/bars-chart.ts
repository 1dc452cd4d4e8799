import { barX, dot, link, ruleX, text } from '@observablehq/plot';
import { rowName } from '../../results/names.ts';
import type { BenchResult, Row, VerifiedRow } from '../../results/schema.ts';
import { formatFactor, formatNumber } from '../number-format.ts';
import { type Chart, cutToPixels, decades, drawing, formatTick, halo, languageLegend, textPixels } from './chart.ts';
import { cssColor, languageColor } from './palette.ts';
import { ratioOver } from './ratio.ts';

/** One line of the chart: the legend, the name of a technique, or a row under it. */
type Line =
  | { readonly key: string }
  | { readonly key: string; readonly technique: string }
  | { readonly key: string; readonly row: Row };

const LINE_PIXELS = 27;
const AXIS_PIXELS = 44;

/**
 * Time a document of every row that may be shown: a bar to the median, its interval, and a dot for every round. Rows of one technique stand
 * together. A wrong or broken row has its place, and says so in red.
 *
 * @param range microseconds that the axis covers, so that several machines can be compared
 */
export function barsChart(result: BenchResult, range: readonly [number, number] = timeRange([result])): Chart {
  const label = `Time a document of each implementation, on a logarithmic axis; shorter is faster. Fastest: ${fastestText(result)}.`;
  return { label, draw: (width) => draw(result, range, width, label) };
}

/** Decades that hold every time of these results. */
export function timeRange(results: readonly BenchResult[]): readonly [number, number] {
  const times = results.flatMap(({ rows }) => rows.filter(isTimed).flatMap((row) => spread(row)));
  if (times.length === 0) return [1, 10];
  return [10 ** Math.floor(Math.log10(Math.min(...times) * 0.8)), Math.max(...times)];
}

export function isTimed(row: Row): row is VerifiedRow {
  return row.status === 'verified';
}

function spread({ microsecondsPerSample: { low, high }, roundsMicrosecondsPerSample }: VerifiedRow): number[] {
  return [low, high, ...roundsMicrosecondsPerSample];
}

function fastestText({ rows }: BenchResult): string {
  const [fastest] = rows.filter(isTimed).toSorted(byTime);
  return fastest === undefined
    ? 'none'
    : `${rowName(fastest)}, ${formatNumber(fastest.microsecondsPerSample.median)} µs`;
}

export function byTime(a: VerifiedRow, b: VerifiedRow): number {
  return a.microsecondsPerSample.median - b.microsecondsPerSample.median;
}

function draw(result: BenchResult, range: readonly [number, number], width: number, label: string) {
  const shown = result.rows.filter((row) => row.status !== 'skipped' && row.status !== 'unsupported');
  const legend = languageLegend(
    shown.map(({ language }) => language),
    width,
  );
  const lines: Line[] = [
    ...legend.keys.map((key) => ({ key })),
    ...[...Map.groupBy(shown, ({ technique }) => technique)].flatMap(([technique, rows]) => [
      { key: `t${technique}`, technique },
      ...rows.map((row) => ({ key: `r${rowName(row)}`, row })),
    ]),
  ];
  const headings = lines.filter((line) => 'technique' in line);
  const rows = lines.filter((line) => 'row' in line);
  const timed = rows.flatMap(({ key, row }) => (isTimed(row) ? [{ key, row, ...row.microsecondsPerSample }] : []));
  const refused = rows.filter(({ row }) => !isTimed(row));
  const dots = timed.flatMap(({ key, row }) => row.roundsMicrosecondsPerSample.map((time) => ({ key, time })));

  const nameSpace = Math.min(0.36 * width, Math.max(...rows.map(({ row }) => textPixels(rowName(row))), 40)) + 12;
  const wide = width >= 600;
  const headline = result.baselines[0]?.row ?? '';
  const textOf = (row: VerifiedRow) => {
    const ratio = wide && headline !== rowName(row) ? ratioOver(row, headline) : undefined;
    return `${formatNumber(row.microsecondsPerSample.median)} µs${ratio === undefined ? '' : `  ${formatFactor(ratio.median)}`}`;
  };
  const valueSpace = Math.max(40, ...timed.map(({ row }) => textPixels(textOf(row)))) + 10;

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
      label: 'µs a document, logarithmic',
      labelArrow: 'none',
      labelAnchor: 'left',
      labelOffset: 36,
      tickSize: 0,
      ticks: decades(range, width - nameSpace - valueSpace),
      tickFormat: formatTick,
    },
    y: { type: 'band', domain: lines.map(({ key }) => key), axis: null, padding: 0.3 },
    marks: [
      ruleX(decades(range), { stroke: cssColor('line') }),
      ...legend.marks(nameSpace),
      text(headings, {
        y: 'key',
        text: ({ technique }) => cutToPixels(technique, width),
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
        fill: ({ row }) => cssColor(isTimed(row) ? 'ink' : 'wrong'),
      }),
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
    ],
  });
}
