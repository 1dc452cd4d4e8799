import type { Merged } from '../results/merged.ts';
import { rowName } from '../results/names.ts';
import type { Row } from '../results/schema.ts';
import { baselineWithRole } from '../results/speedup.ts';
import { type Column, columnTable, markdownTable } from './column-table.ts';
import { formatNumber, formatRatio } from './number-format.ts';
import type { Page } from './page.ts';
import { wrap } from './wrap.ts';

type MergedRow = Merged['rows'][number];

/** Times on all machines side by side, and the speedups over each machine's own Python. */
export function mergedTables(merged: Merged, page: Page): string {
  return [
    ...machineLines(merged).map((line) => wrap(line, page.width)),
    `\nµs per sample\n${columnTable(columnsOf(merged, microseconds), merged.rows, { width: page.width })}`,
    `\nspeedup over the same machine's Python\n${columnTable(columnsOf(merged, speedup), merged.rows, { width: page.width })}`,
  ].join('\n');
}

export function mergedMarkdown(merged: Merged): string {
  return [
    ...machineLines(merged).map((line) => `- ${line}`),
    `\nµs per sample\n\n${markdownTable(columnsOf(merged, microseconds), merged.rows)}`,
    `\nSpeedup over the same machine's Python\n\n${markdownTable(columnsOf(merged, speedup), merged.rows)}\n`,
  ].join('\n');
}

function machineLines({ machines }: Merged): string[] {
  return machines.map(
    ({ machine, runtime, createdAt }, i) =>
      `${label(i)}: ${machine.cpu}, ${machine.cores} cores, ${machine.platform} ${machine.architecture}; ${runtime.name} ${runtime.version}; ${createdAt.slice(0, 10)}`,
  );
}

function columnsOf(
  merged: Merged,
  cell: (row: Row, machine: Merged['machines'][number]) => string,
): readonly Column<MergedRow>[] {
  const machines = merged.machines.map(
    (machine, i): Column<MergedRow> => ({
      heading: label(i),
      align: 'right',
      dropOrder: 0,
      cell: ({ results }) => {
        const row = results[i];
        return row === undefined ? '' : cell(row, machine);
      },
    }),
  );
  return [
    {
      heading: 'implementation',
      align: 'left',
      dropOrder: 0,
      cell: rowName,
    },
    ...machines,
  ];
}

/** Machines have no names in results, so columns are lettered. */
function label(index: number): string {
  return index < 26 ? String.fromCharCode(65 + index) : `M${index + 1}`;
}

function microseconds(row: Row): string {
  return row.status === 'verified' ? formatNumber(row.microsecondsPerSample.median) : row.status;
}

function speedup(row: Row, machine: Merged['machines'][number]): string {
  const baseline = baselineWithRole(machine, 'python-baseline');
  if (row.status !== 'verified' || baseline === undefined) return '';
  const ratio = row.speedup[baseline.row];
  return ratio === undefined ? '' : formatRatio(ratio, row.roundsMicrosecondsPerSample.length);
}
