import { barsChart, ladderChart } from './bars-chart.ts';
import { type Chart, svgFile } from './chart.ts';
import type { MachineReport } from './machine-report.ts';
import { bySize, costChart, rateChart } from './size-chart.ts';

/** Wide enough for a README's column. */
const WIDTH = 880;

/** `bars-light.svg`, `bars-dark.svg`, … */
export function svgFiles({ result, sizes }: MachineReport): readonly { readonly name: string; readonly svg: string }[] {
  const single = bySize(sizes);
  const charts: Readonly<Record<string, Chart>> = {
    bars: barsChart(result),
    ladder: ladderChart(result),
    ...(single.length === 0 ? {} : { cost: costChart(single), rate: rateChart(single) }),
  };
  return Object.entries(charts).flatMap(([name, chart]) =>
    (['light', 'dark'] as const).map((scheme) => ({
      name: `${name}-${scheme}.svg`,
      svg: svgFile(chart, WIDTH, scheme),
    })),
  );
}
