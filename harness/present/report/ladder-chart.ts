import { barX, ruleX, text } from '@observablehq/plot';
import { rowName } from '../../results/names.ts';
import type { BenchResult, VerifiedRow } from '../../results/schema.ts';
import { formatFactor, formatNumber } from '../number-format.ts';
import { isTimed, timeRange } from './bars-chart.ts';
import { type Chart, cutToPixels, decades, drawing, formatTick, halo, textPixels } from './chart.ts';
import { cssColor, languageColor } from './palette.ts';
import { factorBetween } from './ratio.ts';

/** One step of the ladder: a row, the one idea it adds, and how many times faster than the rung before that made it. */
export interface Rung {
  readonly row: VerifiedRow;
  readonly idea: string;
  readonly factor?: number;
}

/** The table's first row, then the rows of the language that has most, slow before fast, as their manifests order them. */
export function ladderOf({ rows }: BenchResult): readonly Rung[] {
  const timed = rows.filter(isTimed);
  const languages = [...Map.groupBy(timed, ({ language }) => language)].toSorted(([, a], [, b]) => b.length - a.length);
  if (languages.length === 0) return [];
  const [language] = languages[0];
  const climbed = timed.filter((row, i) => i === 0 || row.language === language);
  return climbed.map((row, i) => {
    const before = i === 0 ? undefined : climbed[i - 1];
    return {
      row,
      idea: before === undefined ? row.technique : ideaOf(row, before),
      ...(before === undefined ? {} : { factor: factorBetween(row, before) }),
    };
  });
}

/** Two rows of one technique differ in precision. */
function ideaOf(row: VerifiedRow, before: VerifiedRow): string {
  return row.technique === before.technique && row.precision !== before.precision
    ? `${row.precision} instead of ${before.precision}`
    : row.technique;
}

const LINE_PIXELS = 27;
const AXIS_PIXELS = 44;

/** From row to row: what is left of the time is solid, what the idea took away is pale. */
export function ladderChart(result: BenchResult): Chart {
  const rungs = ladderOf(result);
  const steps = rungs.flatMap(({ idea, factor }) => (factor === undefined ? [] : [`${idea} ${formatFactor(factor)}`]));
  const label = `What each idea brought, as a factor of time on a logarithmic axis: ${steps.join('; ')}.`;
  return { label, draw: (width) => draw(rungs, timeRange([result]), width, label) };
}

function draw(rungs: readonly Rung[], range: readonly [number, number], width: number, label: string) {
  const lines = rungs.flatMap(({ row, idea }, i) => [
    { key: `t${i}`, idea: i === 0 ? idea : `+ ${idea}` },
    { key: `r${i}`, row },
  ]);
  const bars = rungs.map((rung, i) => ({
    ...rung,
    key: `r${i}`,
    time: rung.row.microsecondsPerSample.median,
    before: i === 0 ? undefined : rungs[i - 1].row.microsecondsPerSample.median,
  }));
  const nameSpace = Math.min(0.36 * width, Math.max(40, ...rungs.map(({ row }) => textPixels(rowName(row))))) + 12;
  const textOf = ({ time, factor }: (typeof bars)[number]) =>
    factor === undefined ? `${formatNumber(time)} µs` : `${formatFactor(factor)}`;
  const valueSpace = Math.max(40, ...bars.map((bar) => textPixels(textOf(bar)))) + 10;
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
      text(
        lines.filter((line) => 'idea' in line),
        {
          y: 'key',
          text: ({ idea }) => cutToPixels(idea, width),
          frameAnchor: 'left',
          textAnchor: 'start',
          dx: -nameSpace,
          dy: 3,
          ...halo,
          fill: cssColor('muted'),
          fontStyle: 'italic',
        },
      ),
      text(bars, {
        y: 'key',
        text: ({ row }) => cutToPixels(rowName(row), nameSpace - 8),
        frameAnchor: 'left',
        textAnchor: 'end',
        dx: -8,
      }),
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
    ],
  });
}
