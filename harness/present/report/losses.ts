import { line, ruleY } from '@observablehq/plot';
import { rowName } from '../../results/names.ts';
import { type CheckResult, isVerified, type Row } from '../../results/schema.ts';
import { type Column, left, right } from '../column-table.ts';
import { formatNumber } from '../number-format.ts';
import { axisBelow, type Chart, decades, drawing } from './chart.ts';
import { type Html, html, htmlTable, numbers } from './html.ts';
import { cssColor, languageColor } from './palette.ts';

/** All points would be half of the page. */
const MOST_POINTS = 150;

/** Every row that `check` trained, beside the reference; thinned. */
export function lossCurves({ reference, results }: CheckResult, rows: readonly Row[]): readonly LossCurve[] {
  return results.flatMap((result) => {
    const name = rowName(result);
    const all = result.losses.flatMap((loss, i) => {
      const expected = reference.losses[i];
      if (loss === null || expected === undefined) return [];
      return [{ step: i + 1, loss, deviation: Math.abs(loss - expected) }];
    });
    if (all.length === 0) return [];
    const each = Math.ceil(all.length / MOST_POINTS);
    const points = all.filter(({ step }) => (step - 1) % each === 0);
    const furthest = all.reduce((worst, found) => (found.deviation > worst.deviation ? found : worst));
    const language = rows.find((row) => rowName(row) === name)?.language ?? '';
    return [{ name, language, points, furthest }];
  });
}

export function lossSection(
  check: CheckResult,
  rows: readonly Row[],
  figure: (chart: ReturnType<typeof lossChart>, caption: string) => Html,
): Html {
  const curves = lossCurves(check, rows);
  if (curves.length === 0) return html`<p>No row was trained.</p>`;
  const worst = curves.reduce((a, b) => (b.furthest.deviation > a.furthest.deviation ? b : a));
  const columns: readonly Column<LossCurve>[] = [
    left('implementation', ({ name }) => name),
    right('first loss', ({ points }) => formatNumber(points[0].loss, 5)),
    right('last loss', ({ points }) => formatNumber(points[points.length - 1].loss, 5)),
    right('largest deviation', ({ furthest }) => exponent(furthest.deviation)),
  ];
  const timed = rows.filter(isVerified).map(rowName);
  const all = curves.every(({ name }) => timed.includes(name)) ? 'all of them verified' : 'wrong ones among them';
  return html`<p>The largest deviation of ${curves.length} rows from the reference (${check.reference.source}) is ${exponent(worst.furthest.deviation)}, of ${worst.name} at step ${worst.furthest.step}.</p>${figure(
    lossChart(curves),
    `Loss from step to step of ${curves.length} rows, ${all}: where they agree, their lines lie on each other.`,
  )}${figure(
    deviationChart(curves),
    'Rounding alone: float64 rows lie below 1e-10, float32 rows around 1e-7, as long as training is calm.',
  )}${numbers(htmlTable('Losses', columns, curves))}`;
}

function exponent(value: number): string {
  return value === 0 ? '0' : value.toExponential(0);
}

/** Losses of one row at some steps, beside the reference's. */
interface LossCurve {
  readonly name: string;
  readonly language: string;
  readonly points: readonly LossPoint[];
  /** From the reference, of every loss. */
  readonly furthest: LossPoint;
}

interface LossPoint {
  readonly step: number;
  readonly loss: number;
  readonly deviation: number;
}

const axis = { type: 'linear', ...axisBelow('step', 38) } as const;

function lossChart(curves: readonly LossCurve[]): Chart {
  const label = `Loss of ${curves.length} rows from step to step, over each other.`;
  return (width) =>
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
    });
}

/** An exact loss has no logarithm; it is drawn where no rounding reaches. */
const NONE = 1e-17;

function deviationChart(curves: readonly LossCurve[]): Chart {
  const label = "Distance of each row's loss from the reference's, from step to step, logarithmic.";
  const highest = Math.max(1e-10, ...curves.flatMap(({ points }) => points.map(({ deviation }) => deviation)));
  const range: [number, number] = [NONE, highest * 4];
  return (width) =>
    drawing(label, {
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
