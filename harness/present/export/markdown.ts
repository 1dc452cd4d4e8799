import { rowName, taskName } from '../../results/names.ts';
import type { BenchResult, Interval, Row } from '../../results/schema.ts';
import { claimsMarkdown } from '../claims-table.ts';
import { formatNumber, formatRatio } from '../number-format.ts';
import type { Exporter } from './export.ts';

/** A GitHub-flavoured Markdown table, with the task, the machine and the noise warnings around it. */
export const markdown: Exporter = {
  format: 'markdown',
  serialize(result) {
    const { machine, runtime, baselines } = result;
    const columns = [
      'implementation',
      'language',
      'technique',
      'precision',
      'µs/document',
      ...baselines.map(({ row }) => `× ${row}`),
    ];
    const lines = [
      `**${escapeCell(taskName(result.task))}** on ${escapeCell(machine.cpu)} (${machine.cores} cores, ${machine.platform} ${machine.architecture}), ${runtime.name} ${runtime.version}, ${result.createdAt}`,
      '',
      line(columns),
      `| --- | --- | --- | --- | ---: |${' ---: |'.repeat(baselines.length)}`,
      ...result.rows.map((row) => line(cells(result, row))),
      '',
      'Medians over processes with their 95% intervals.',
      ...claimsMarkdown(result.claims),
      ...result.noise.warnings.map((warning) => `\n> Warning: ${escapeCell(warning)}`),
    ];
    return `${lines.join('\n')}\n`;
  },
};

function cells({ baselines }: BenchResult, row: Row): string[] {
  const identity = [rowName(row), row.language, row.technique, row.precision];
  if (row.status !== 'verified') return [...identity, `${row.status}: ${row.reason}`, ...baselines.map(() => '')];
  const { length: processes } = row.roundsMicrosecondsPerSample;
  const time = figure(row.microsecondsPerSample, processes) + (row.steady ? '' : ' (not steady)');
  const ratios = baselines.map(({ row: baseline }) => {
    const ratio = row.speedup[baseline];
    return ratio === undefined ? '' : formatRatio(ratio, processes);
  });
  return [...identity, time, ...ratios];
}

/** One process gives no interval. */
function figure({ median, low, high }: Interval, processes: number): string {
  return formatNumber(median) + (processes < 2 ? '' : ` (${formatNumber(low)}–${formatNumber(high)})`);
}

function line(texts: readonly string[]): string {
  return `| ${texts.map(escapeCell).join(' | ')} |`;
}

/** On one line, with nothing in it that Markdown or HTML would act on. */
export function escapeCell(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\\`*_|[\]]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;');
}
