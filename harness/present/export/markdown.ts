import { rowName, taskName } from '../../results/names.ts';
import { type BenchResult, isVerified, type Row } from '../../results/schema.ts';
import { ratioOver } from '../../results/speedup.ts';
import { claimsMarkdown } from '../claims-table.ts';
import { type Column, escapeCell, left, markdownTable, right, rightWhere } from '../column-table.ts';
import { formatRatio, formatToInterval } from '../number-format.ts';

/** A GitHub-flavoured Markdown table, with the task, the machine and the noise warnings around it. */
export function markdown(result: BenchResult): string {
  const { machine, runtime, baselines } = result;
  const timed = rightWhere(isVerified);
  const columns: readonly Column<Row>[] = [
    left('implementation', rowName),
    left('language', (row) => row.language),
    left('technique', (row) => row.technique),
    left('precision', (row) => row.precision),
    right('µs/document', timeOrReason),
    ...baselines.map(({ row: name }) =>
      timed(`× ${name}`, (row) => formatRatio(ratioOver(row, name), row.roundsMicrosecondsPerSample.length)),
    ),
  ];
  const lines = [
    `**${escapeCell(taskName(result.task))}** on ${escapeCell(machine.cpu)} (${machine.cores} cores, ${machine.platform} ${machine.architecture}), ${runtime.name} ${runtime.version}, ${result.createdAt}`,
    '',
    markdownTable(columns, result.rows),
    '',
    result.rows.some((row) => isVerified(row) && row.roundsMicrosecondsPerSample.length > 1)
      ? 'Medians over processes with their 95% intervals.'
      : 'One process a row, too few for an interval.',
    ...claimsMarkdown(result.claims),
    ...result.noise.warnings.map((warning) => `\n> Warning: ${escapeCell(warning)}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** One process gives no interval. */
function timeOrReason(row: Row): string {
  if (!isVerified(row)) return `${row.status}: ${row.reason}`;
  const time = row.microsecondsPerSample;
  const isAlone = row.roundsMicrosecondsPerSample.length < 2;
  const interval = isAlone ? '' : ` (${formatToInterval(time, time.low)}–${formatToInterval(time, time.high)})`;
  return `${formatToInterval(time)}${interval}${row.steady ? '' : ' (not steady)'}`;
}
