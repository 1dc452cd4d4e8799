import type { Merged } from '../results/merged.ts';
import { machineLabel, rowName } from '../results/names.ts';
import { isVerified, type Row } from '../results/schema.ts';
import { speedupOver } from '../results/speedup.ts';
import { type Column, columnTable, left, markdownTable, right } from './column-table.ts';
import { formatRatio, formatRowTime, UNSTEADY } from './number-format.ts';
import { type Page, wrap } from './page.ts';

type MergedRow = Merged['rows'][number];
type MachineOfRun = Merged['machines'][number];

/** Times on all machines side by side, and the ratios over each machine's own Python, with their intervals. */
export function mergedTables(merged: Merged, page: Page): string {
  const table = (cell: Cell) => columnTable(columnsOf(merged, cell), merged.rows, page);
  return [
    ...machineLines(merged).map((line) => wrap(line, page.width)),
    `\nµs/doc\n${table(microseconds)}`,
    `\n× the same machine’s Python\n${table(speedup)}`,
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

function isUnsteady({ rows }: Merged): boolean {
  return rows.some(({ results }) => results.some((row) => row !== undefined && isVerified(row) && !row.steady));
}

/** By system and processor, with a number if two are alike. */
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
  const machines = merged.machines.map((machine, i) =>
    right<MergedRow>(names[i], ({ results }) => {
      const row = results[i];
      return row === undefined ? '' : cell(row, machine);
    }),
  );
  return [left('implementation', rowName), ...machines];
}

function microseconds(row: Row): string {
  return isVerified(row) ? formatRowTime(row) : row.status;
}

function speedup(row: Row, machine: MachineOfRun): string {
  if (!isVerified(row)) return '';
  return formatRatio(speedupOver(machine, row, 'python-baseline'), row.roundsMicrosecondsPerSample.length);
}
