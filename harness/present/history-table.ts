import type { Trend, TrendPoint } from '../results/history.ts';
import { machineLabel } from '../results/names.ts';
import { type Column, columnTable, left, right } from './column-table.ts';
import { formatTime, UNSTEADY } from './number-format.ts';
import { type Page, wrap } from './page.ts';
import { sparkline } from './sparkline.ts';

const SPARKLINE_WIDTH = 30;

const columns: readonly Column<Trend>[] = [
  left('implementation', (trend) => trend.implementation),
  right('runs', (trend) => String(trend.points.length), 2),
  left(
    'trend, low is fast',
    ({ points }) =>
      sparkline(
        points.map(({ microsecondsPerSample }) => microsecondsPerSample.median),
        SPARKLINE_WIDTH,
      ),
    3,
  ),
  right('first µs', ({ points }) => time(points[0]), 1),
  right('last µs', ({ points }) => time(points[points.length - 1])),
];

function time({ microsecondsPerSample, processes, steady }: TrendPoint): string {
  return formatTime(microsecondsPerSample, processes, steady);
}

/** One table for each machine, task and runtime, and under each the steps that were found. */
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
        columnTable(columns, group, page),
        ...(steps.length === 0 ? ['no step in any of them'] : steps),
        ...(group.some(({ points }) => points.some(({ steady }) => !steady)) ? [UNSTEADY] : []),
      ].join('\n');
    })
    .join('\n\n');
}

function describeSteps({ implementation, steps }: Trend): string[] {
  return steps.map(({ at, before, ratio }) => {
    const change = `${(Math.abs(ratio - 1) * 100).toFixed(1)}% ${ratio > 1 ? 'slower' : 'faster'}`;
    const where =
      at.commit === before.commit ? `with no new commit (${short(at)})` : `at ${short(at)}, after ${short(before)}`;
    return `${implementation}: ${change} since ${at.createdAt.slice(0, 10)}, ${where}`;
  });
}

function short({ commit }: TrendPoint): string {
  return commit === undefined ? 'unknown commit' : commit.replace(/^([0-9a-f]{10})[0-9a-f]*/, '$1');
}
