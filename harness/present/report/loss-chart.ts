import { line, ruleY } from '@observablehq/plot';
import { type Chart, decades, drawing } from './chart.ts';
import { cssColor, languageColor } from './palette.ts';

/** Losses of one row at some steps, beside the reference's. */
export interface LossCurve {
  readonly name: string;
  readonly language: string;
  readonly points: readonly { readonly step: number; readonly loss: number; readonly deviation: number }[];
}

const axis = {
  type: 'linear',
  label: 'step',
  labelArrow: 'none',
  labelAnchor: 'left',
  labelOffset: 38,
  tickSize: 0,
} as const;

/** All rows' losses over each other: where they agree, there is one line to see. */
export function lossChart(curves: readonly LossCurve[]): Chart {
  const label = `Loss of ${curves.length} rows from step to step, over each other.`;
  return {
    label,
    draw: (width) =>
      drawing(label, {
        width,
        height: 260,
        marginLeft: 46,
        marginRight: 12,
        marginTop: 28,
        marginBottom: 44,
        x: { ...axis, ticks: width < 600 ? 4 : 8 },
        y: { label: 'loss, nats a token', labelArrow: 'none', tickSize: 0, ticks: 5 },
        marks: curves.map(({ language, points }, i) =>
          // Widest first, so that lines which agree are seen as stripes.
          line(points, {
            x: 'step',
            y: 'loss',
            stroke: languageColor(language),
            strokeWidth: 1 + (5 * (curves.length - 1 - i)) / Math.max(1, curves.length - 1),
          }),
        ),
      }),
  };
}

/** An exact loss has no logarithm; it is drawn where no rounding reaches. */
const NONE = 1e-17;

/** How far each row's losses lie from the reference's, on a logarithmic axis. */
export function deviationChart(curves: readonly LossCurve[]): Chart {
  const label = "Distance of each row's loss from the reference's, from step to step, logarithmic.";
  return { label, draw: (width) => drawDeviations(curves, width, label) };
}

function drawDeviations(curves: readonly LossCurve[], width: number, label: string) {
  const highest = Math.max(1e-10, ...curves.flatMap(({ points }) => points.map(({ deviation }) => deviation)));
  const range: [number, number] = [NONE, highest * 4];
  return drawing(label, {
    width,
    height: 300,
    marginLeft: 52,
    marginRight: 12,
    marginTop: 28,
    marginBottom: 44,
    x: { ...axis, ticks: width < 600 ? 4 : 8 },
    y: {
      type: 'log',
      domain: range,
      label: 'distance, nats a token; 0 is drawn as 1e-17',
      labelArrow: 'none',
      tickSize: 0,
      ticks: decades(range).filter((_, i) => i % 3 === 0),
      tickFormat: (value: number) => `1e${Math.round(Math.log10(value))}`,
    },
    marks: [
      ruleY(
        decades(range).filter((_, i) => i % 3 === 0),
        { stroke: cssColor('line') },
      ),
      ...curves.map(({ language, points }) =>
        line(
          points.map(({ step, deviation }) => ({ step, deviation: Math.max(NONE, deviation) })),
          { x: 'step', y: 'deviation', stroke: languageColor(language), strokeWidth: 1.2 },
        ),
      ),
    ],
  });
}
