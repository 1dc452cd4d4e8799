import type { Trend, TrendPoint } from '../results/trend.ts';
import { relativeHalfWidth } from '../statistics/median-interval.ts';
import { type Column, columnTable } from './column-table.ts';
import { machineLabel } from './machine-label.ts';
import { formatNumber, formatUncertainty } from './number-format.ts';
import type { Page } from './page.ts';
import { sparkline } from './sparkline.ts';
import { wrap } from './wrap.ts';

const SPARKLINE_WIDTH = 30;

const columns: readonly Column<Trend>[] = [
  { heading: 'implementation', align: 'left', dropOrder: 0, cell: (trend) => trend.implementation },
  { heading: 'runs', align: 'right', dropOrder: 2, cell: (trend) => String(trend.points.length) },
  {
    heading: 'trend, low is fast',
    align: 'left',
    dropOrder: 3,
    cell: (trend) =>
      sparkline(
        trend.points.map((point) => point.microsecondsPerSample.median),
        SPARKLINE_WIDTH,
      ),
  },
  { heading: 'first µs', align: 'right', dropOrder: 1, cell: (trend) => time(trend.points[0]) },
  { heading: 'last µs', align: 'right', dropOrder: 0, cell: (trend) => time(trend.points[trend.points.length - 1]) },
];

/** All trends, one table for each machine, task and runtime, and under each the steps that were found. */
export function historyTables(trends: readonly Trend[], page: Page): string {
  const groups = Map.groupBy(
    trends,
    (trend) => `${trend.taskName} on ${machineLabel(trend.machine)} (${trend.machine.fingerprint}), ${trend.runtime}`,
  );
  return [...groups]
    .map(([title, group]) => {
      const steps = group.flatMap(describeSteps).map((line) => wrap(line, page.width));
      return [
        wrap(title, page.width),
        columnTable(columns, group, { width: page.width }),
        ...(steps.length === 0 ? ['no step in any of them'] : steps),
      ].join('\n');
    })
    .join('\n\n');
}

function describeSteps({ implementation, steps }: Trend): string[] {
  return steps.map(({ at, before, ratio }) => {
    const change =
      ratio > 1 ? `${((ratio - 1) * 100).toFixed(1)}% slower` : `${((1 - ratio) * 100).toFixed(1)}% faster`;
    const where =
      at.commit === before.commit ? `with no new commit (${short(at)})` : `at ${short(at)}, after ${short(before)}`;
    return `${implementation}: ${change} since ${at.createdAt.slice(0, 10)}, ${where}`;
  });
}

function short({ commit }: TrendPoint): string {
  return commit === undefined ? 'unknown commit' : commit.replace(/^([0-9a-f]{10})[0-9a-f]*/, '$1');
}

/** `8.51 ±1.2%`; one process has no interval, and ~ marks one that was still warming up. */
function time({ microsecondsPerSample, processes, steady }: TrendPoint): string {
  const interval = processes < 2 ? '' : ` ${formatUncertainty(relativeHalfWidth(microsecondsPerSample))}`;
  return `${steady ? '' : '~'}${formatNumber(microsecondsPerSample.median)}${interval}`;
}
