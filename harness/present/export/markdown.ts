import type { Interval, Row } from '../../results/schema.ts';
import { type Exporter, rowName, taskName } from './exporter.ts';

const columns = ['implementation', 'language', 'technique', 'precision', 'µs/sample', 'over Python', 'over scalar'];

/** A GitHub-flavoured Markdown table, with the task, the machine and the noise warnings around it. */
export const markdown: Exporter = {
  format: 'markdown',
  serialize(result) {
    const { machine, runtime } = result;
    const lines = [
      `**${escapeCell(taskName(result))}** on ${escapeCell(machine.cpu)} (${machine.cores} cores, ${machine.platform} ${machine.architecture}), ${runtime.name} ${runtime.version}, ${result.createdAt}`,
      '',
      line(columns),
      '| --- | --- | --- | --- | ---: | ---: | ---: |',
      ...result.rows.map((row) => line(cells(row))),
      '',
      'Medians over processes with their 95% intervals.',
      ...result.noise.warnings.map((warning) => `\n> Warning: ${escapeCell(warning)}`),
    ];
    return `${lines.join('\n')}\n`;
  },
};

function cells(row: Row): string[] {
  const identity = [rowName(row), row.language, row.technique, row.precision];
  if (row.status !== 'verified') return [...identity, `${row.status}: ${row.reason}`, '', ''];
  const { overPython, overScalar } = row.speedup;
  const time = figure(row.microsecondsPerSample) + (row.steady ? '' : ' (not steady)');
  return [...identity, time, speedup(overPython), speedup(overScalar)];
}

function figure({ median, low, high }: Interval): string {
  return `${digits(median)} [${digits(low)}, ${digits(high)}]`;
}

function speedup(ratio: Interval | undefined): string {
  return ratio === undefined ? '' : `${digits(ratio.median)}× [${digits(ratio.low)}, ${digits(ratio.high)}]`;
}

/** Three significant digits at least, and no exponent. */
function digits(value: number): string {
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(value)));
  return value.toFixed(Math.min(decimals, 20));
}

function line(texts: readonly string[]): string {
  return `| ${texts.map(escapeCell).join(' | ')} |`;
}

/** A cell's text on one line, with nothing in it that Markdown or HTML would act on. */
export function escapeCell(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\\`*_|[\]]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;');
}
