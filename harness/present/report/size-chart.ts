import { dot, line, ruleY, text } from '@observablehq/plot';
import { rowName, sizesName } from '../../results/names.ts';
import { type BenchResult, isVerified, type VerifiedRow } from '../../results/schema.ts';
import { axisBelow, type Chart, cutToPixels, DOT_PIXELS, decades, drawing, formatTick, textPixels } from './chart.ts';
import { cssColor, languageColor } from './palette.ts';

/** One row at one size, or a ceiling of the machine. */
interface Point {
  readonly name: string;
  readonly color: string;
  readonly size: string;
  readonly parameters: number;
  readonly value: number;
}

const HEIGHT = 420;
const TOP = 28;
const BOTTOM = 56;
const LABEL_PIXELS = 15;

/** Results with batch 1 of at least two sizes; none if there are fewer. */
export function bySize(results: readonly BenchResult[]): readonly BenchResult[] {
  const single = results.filter(({ task }) => task.batch === 1);
  const ordered = single.toSorted((a, b) => a.task.parameterCount - b.task.parameterCount);
  return ordered.length > 1 ? ordered : [];
}

/** Time a document by the number of parameters; the machine's peak is the floor. */
export function costChart(results: readonly BenchResult[]): Chart {
  return sizeChart({
    results,
    label: 'Time a document against the size of the model, both logarithmic; lower is faster.',
    unit: 'µs a document',
    value: ({ microsecondsPerSample }) => microsecondsPerSample.median,
    roof: ({ gflops, microsecondsPerSample }, peak) =>
      gflops === undefined ? undefined : (gflops * microsecondsPerSample.median) / peak,
  });
}

/** Work a second by the number of parameters; the peak of one core is the ceiling. */
export function rateChart(results: readonly BenchResult[]): Chart {
  return sizeChart({
    results,
    label: 'Matrix work a second against the size of the model, both logarithmic; higher is faster.',
    unit: 'GFLOP/s of matrix work',
    value: ({ gflops }) => gflops,
    roof: (_, peak) => peak,
  });
}

interface SizeChart {
  readonly results: readonly BenchResult[];
  readonly label: string;
  readonly unit: string;
  readonly value: (row: VerifiedRow) => number | undefined;
  readonly roof: (row: VerifiedRow, peakGflops: number) => number | undefined;
}

function sizeChart({ results, label, unit, value, roof }: SizeChart): Chart {
  const points = results.flatMap(({ task, rows }) =>
    rows.filter(isVerified).flatMap((row) => pointAt(task, rowName(row), languageColor(row.language), value(row))),
  );
  const roofs = results.flatMap(({ machine: { nativePeakGflops: peakGflops }, task, rows }) => {
    const row = rows.filter(isVerified).find(({ gflops }) => gflops !== undefined);
    if (peakGflops === undefined || row === undefined) return [];
    return (['float32', 'float64'] as const).flatMap((precision) =>
      pointAt(task, `peak, ${precision}`, cssColor('ink'), roof(row, peakGflops[precision])),
    );
  });
  const values = [...points, ...roofs].map((point) => point.value);
  const range: [number, number] = [Math.min(...values) / 1.4, Math.max(...values) * 1.4];
  const ends = [...new Map([...points, ...roofs].map((point) => [point.name, point])).values()];
  const sizeNames = new Map<number, string>(points.map(({ parameters, size }) => [parameters, size]));
  const pixelOf = (at: number) =>
    TOP + ((HEIGHT - TOP - BOTTOM) * Math.log(range[1] / at)) / Math.log(range[1] / range[0]);
  const shifts = apart(ends.map((end) => pixelOf(end.value)));
  return (width) => {
    const nameSpace =
      Math.min(0.34 * width, Math.max(40, ...ends.map(({ name }) => textPixels(name)))) + 12 + DOT_PIXELS;
    return drawing(label, {
      width,
      height: HEIGHT,
      marginLeft: 46,
      marginRight: nameSpace,
      marginTop: TOP,
      marginBottom: BOTTOM,
      x: {
        type: 'log',
        ...axisBelow('parameters, logarithmic', 50),
        ticks: [...sizeNames.keys()],
        tickFormat: (parameters: number) => `${sizeNames.get(parameters) ?? ''}\n${formatTick(parameters)}`,
      },
      y: {
        type: 'log',
        domain: range,
        label: `${unit}, logarithmic`,
        labelArrow: 'none',
        tickSize: 0,
        ticks: decades(range),
        tickFormat: formatTick,
      },
      marks: [
        ruleY(decades(range), { stroke: cssColor('line') }),
        line(roofs, { x: 'parameters', y: 'value', z: 'name', stroke: cssColor('ink'), strokeDasharray: '5 4' }),
        line(points, { x: 'parameters', y: 'value', z: 'name', stroke: 'color', strokeWidth: 2 }),
        dot(points, { x: 'parameters', y: 'value', r: 3.5, fill: 'color', stroke: cssColor('paper') }),
        ...ends.flatMap((end, i) => {
          const at = { x: 'parameters', y: 'value', textAnchor: 'start', dy: shifts[i] } as const;
          return [
            text([end], { ...at, text: () => '●', dx: 9, fill: end.color }),
            text([end], { ...at, text: () => cutToPixels(end.name, nameSpace - 12 - DOT_PIXELS), dx: 9 + DOT_PIXELS }),
          ];
        }),
      ],
    });
  };
}

function pointAt(task: BenchResult['task'], name: string, color: string, value: number | undefined): readonly Point[] {
  if (value === undefined) return [];
  return [{ name, color, size: sizesName(task), parameters: task.parameterCount, value }];
}

/** By how many pixels to move each label so that none covers another: pushed down, then up from the lower edge. */
export function apart(places: readonly number[]): readonly number[] {
  const order = places.map((place, i) => ({ place, i })).toSorted((a, b) => a.place - b.place);
  const moved = order.map(({ place }) => place);
  for (let i = 1; i < moved.length; i++) moved[i] = Math.max(moved[i], moved[i - 1] + LABEL_PIXELS);
  let lowest = HEIGHT - BOTTOM + 4;
  for (let i = moved.length - 1; i >= 0; i--) {
    moved[i] = Math.min(moved[i], lowest);
    lowest = moved[i] - LABEL_PIXELS;
  }
  const shifts = new Array<number>(places.length).fill(0);
  for (const [at, { place, i }] of order.entries()) shifts[i] = moved[at] - place;
  return shifts;
}
