import type { Merged } from '../results/merged.ts';
import { rowName } from '../results/names.ts';
import type { Row } from '../results/schema.ts';
import { baselineWithRole } from '../results/speedup.ts';
import { relativeHalfWidth } from '../statistics/median-interval.ts';
import { type Column, columnTable, markdownTable } from './column-table.ts';
import { machineLabel } from './machine-label.ts';
import { formatNumber, formatRatio, formatUncertainty } from './number-format.ts';
import type { Page } from './page.ts';
import { wrap } from './wrap.ts';

type MergedRow = Merged['rows'][number];
type MachineOfRun = Merged['machines'][number];

/** Times on all machines side by side, and the ratios over each machine's own Python, with their intervals. */
export function mergedTables(merged: Merged, page: Page): string {
  const table = (cell: Cell) => columnTable(columnsOf(merged, cell), merged.rows, { width: page.width });
  return [
    ...machineLines(merged).map((line) => wrap(line, page.width)),
    ['\nµs/doc', table(microseconds)].join('\n'),
    ['\n× the same machine’s Python', table(speedup)].join('\n'),
    ...(isUnsteady(merged) ? [UNSTEADY] : []),
  ].join('\n');
}

export function mergedMarkdown(merged: Merged): string {
  return [
    ...machineLines(merged).map((line) => `- ${line}`),
    `\nµs/document\n\n${markdownTable(columnsOf(merged, microseconds), merged.rows)}`,
    `\n× the same machine’s Python\n\n${markdownTable(columnsOf(merged, speedup), merged.rows)}\n`,
    ...(isUnsteady(merged) ? [`${UNSTEADY}\n`] : []),
  ].join('\n');
}

const UNSTEADY = '~ still warming up when timed';

function isUnsteady({ rows }: Merged): boolean {
  return rows.some(({ results }) => results.some((row) => row?.status === 'verified' && !row.steady));
}

/** Machines by system and processor, with a number where two are alike. */
function labels({ machines }: Merged): string[] {
  const all = machines.map(({ machine }) => machineLabel(machine));
  return all.map((label, i) => {
    const before = all.slice(0, i).filter((other) => other === label).length;
    return before === 0 ? label : `${label} (${before + 1})`;
  });
}

function machineLines(merged: Merged): string[] {
  const names = labels(merged);
  return merged.machines.map(
    ({ machine, runtime, createdAt }, i) =>
      `${names[i]}: ${machine.cores} cores, ${machine.architecture}; ${runtime.name} ${runtime.version}; ${createdAt.slice(0, 10)}`,
  );
}

type Cell = (row: Row, machine: MachineOfRun) => string;

function columnsOf(merged: Merged, cell: Cell): readonly Column<MergedRow>[] {
  const names = labels(merged);
  const machines = merged.machines.map(
    (machine, i): Column<MergedRow> => ({
      heading: names[i] ?? '',
      align: 'right',
      dropOrder: 0,
      cell: ({ results }) => {
        const row = results[i];
        return row === undefined ? '' : cell(row, machine);
      },
    }),
  );
  return [{ heading: 'implementation', align: 'left', dropOrder: 0, cell: rowName }, ...machines];
}

function microseconds(row: Row): string {
  if (row.status !== 'verified') return row.status;
  const { microsecondsPerSample: time, roundsMicrosecondsPerSample: rounds, steady } = row;
  const interval = rounds.length < 2 ? '' : ` ${formatUncertainty(relativeHalfWidth(time))}`;
  return `${steady ? '' : '~'}${formatNumber(time.median)}${interval}`;
}

function speedup(row: Row, machine: MachineOfRun): string {
  const baseline = baselineWithRole(machine, 'python-baseline');
  if (row.status !== 'verified' || baseline === undefined) return '';
  const ratio = row.speedup[baseline.row];
  return ratio === undefined ? '' : formatRatio(ratio, row.roundsMicrosecondsPerSample.length);
}
