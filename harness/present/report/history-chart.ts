import { dot, line, ruleX, ruleY, text } from '@observablehq/plot';
import { median } from 'simple-statistics';
import type { Trend } from '../../results/history.ts';
import { axisBelow, type Chart, cutToPixels, drawing, FONT_PIXELS } from './chart.ts';
import { cssColor } from './palette.ts';

const LANE_PIXELS = 46;

/** Every implementation's time from run to run, as a share of its own median, one lane each; red lines where its level stepped. */
export function historyChart(trends: readonly Trend[]): Chart {
  const points = trends.flatMap(({ implementation, points }) => {
    const middle = median(points.map((point) => point.microsecondsPerSample.median));
    return points.map((point, run) => ({
      implementation,
      run: run + 1,
      percent: 100 * (point.microsecondsPerSample.median / middle - 1),
    }));
  });
  const steps = trends.flatMap(({ implementation, points, steps }) =>
    steps.map(({ at, ratio }) => ({ implementation, run: points.indexOf(at) + 1, ratio })),
  );
  const label = `Time a document from run to run, one lane an implementation, each in percent of its own median; ${steps.length} steps detected.`;
  const most = Math.max(5, ...points.map(({ percent }) => Math.abs(percent)));
  const runs = Math.max(2, ...points.map(({ run }) => run));
  return (width) => {
    const nameSpace = Math.min(0.34 * width, 130);
    return drawing(label, {
      width,
      height: trends.length * LANE_PIXELS + 52,
      marginLeft: nameSpace,
      marginRight: 56,
      marginTop: 8,
      marginBottom: 44,
      fy: { domain: trends.map(({ implementation }) => implementation), axis: null, padding: 0.15 },
      x: {
        type: 'linear',
        domain: [0.5, runs + 0.5],
        ...axisBelow('run, oldest first', 38),
        ticks: Array.from({ length: runs }, (_, i) => i + 1).filter((run) => (run - 1) % Math.ceil(runs / 8) === 0),
        tickFormat: (run: number) => String(run),
      },
      y: { domain: [-most, most], axis: null },
      marks: [
        ruleY(trends, { fy: 'implementation', y: 0, stroke: cssColor('line') }),
        ruleX(steps, { fy: 'implementation', x: ({ run }) => run - 0.5, stroke: cssColor('wrong'), strokeWidth: 2 }),
        line(points, { fy: 'implementation', x: 'run', y: 'percent', z: 'implementation', stroke: cssColor('blue') }),
        dot(points, { fy: 'implementation', x: 'run', y: 'percent', r: 2.5, fill: cssColor('blue') }),
        text(trends, {
          fy: 'implementation',
          text: ({ implementation }) => cutToPixels(implementation, nameSpace - 10),
          frameAnchor: 'left',
          textAnchor: 'end',
          dx: -10,
        }),
        text(trends, {
          fy: 'implementation',
          text: () => `±${most.toFixed(0)}%`,
          frameAnchor: 'right',
          textAnchor: 'start',
          dx: 8,
          fill: cssColor('muted'),
          fontSize: FONT_PIXELS - 1,
        }),
      ],
    });
  };
}
