import { rowName } from '../../results/names.ts';
import type { CheckResult, Row } from '../../results/schema.ts';
import { formatNumber } from '../number-format.ts';
import { isTimed } from './bars-chart.ts';
import { type Html, html } from './html.ts';
import { type HtmlColumn, htmlTable, numbers } from './html-table.ts';
import { deviationChart, type LossCurve, lossChart } from './loss-chart.ts';

/** So many points show a curve; all of them would be half of the page. */
const MOST_POINTS = 150;

/** Every row that `check` trained, beside the reference; thinned. */
export function lossCurves({ reference, results }: CheckResult, rows: readonly Row[]): readonly LossCurve[] {
  return results.flatMap((result) => {
    const name = rowName(result);
    const each = Math.max(1, Math.ceil(Math.min(result.losses.length, reference.losses.length) / MOST_POINTS));
    const points = result.losses.flatMap((loss, i) => {
      const expected = reference.losses[i];
      if (loss === null || expected === undefined || i % each !== 0) return [];
      return [{ step: i + 1, loss, deviation: Math.abs(loss - expected) }];
    });
    const language = rows.find((row) => rowName(row) === name)?.language ?? '';
    return points.length === 0 ? [] : [{ name, language, points }];
  });
}

/** Of every loss, also of those that no curve shows. */
function deviations({ reference, results }: CheckResult) {
  return results.flatMap((result) =>
    result.losses.flatMap((loss, i) => {
      const expected = reference.losses[i];
      if (loss === null || expected === undefined) return [];
      return [{ name: rowName(result), step: i + 1, deviation: Math.abs(loss - expected) }];
    }),
  );
}

/** Loss curves over each other, and how far each lies from the reference. */
export function lossSection(
  check: CheckResult,
  rows: readonly Row[],
  figure: (chart: ReturnType<typeof lossChart>, caption: string) => Html,
): Html {
  const curves = lossCurves(check, rows);
  if (curves.length === 0) return html`<p>No row was trained.</p>`;
  const furthest = deviations(check).reduce((worst, found) => (found.deviation > worst.deviation ? found : worst));
  const columns: readonly HtmlColumn<LossCurve>[] = [
    { heading: 'implementation', align: 'left', cell: ({ name }) => name },
    { heading: 'first loss', align: 'right', cell: ({ points }) => formatNumber(points[0].loss, 5) },
    { heading: 'last loss', align: 'right', cell: ({ points }) => formatNumber(points[points.length - 1].loss, 5) },
    {
      heading: 'largest deviation',
      align: 'right',
      cell: ({ name }) =>
        exponent(Math.max(...deviations(check).flatMap((found) => (found.name === name ? [found.deviation] : [])))),
    },
  ];
  const timed = rows.filter(isTimed).map(rowName);
  const all = curves.every(({ name }) => timed.includes(name)) ? 'all of them verified' : 'wrong ones among them';
  return html`<p>The largest deviation of ${curves.length} rows from the reference (${check.reference.source}) is ${exponent(furthest.deviation)}, of ${furthest.name} at step ${furthest.step}.</p>${figure(
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
