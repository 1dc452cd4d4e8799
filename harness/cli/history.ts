import { Command, Option } from 'commander';
import { suggestion } from '../nearest-name.ts';
import { keepInputs } from '../output-target.ts';
import { historyTables } from '../present/history-table.ts';
import { terminalPage } from '../present/page.ts';
import { commandLine, displayPath } from '../project.ts';
import { historyPath, readHistory, trendsOf } from '../results/history.ts';
import { SCHEMA_VERSION } from '../results/schema.ts';
import { UsageError } from '../usage-error.ts';
import { jsonOption, jsonOutput } from './flags.ts';

interface HistoryFlags {
  readonly file: string;
  readonly preset?: string;
  readonly json?: string;
}

export function historyCommand(): Command {
  return new Command('history')
    .summary('how each row changed over time')
    .description('show how each implementation changed from run to run, and at which commit')
    .argument('[implementation...]', 'which ones (default: all)')
    .addOption(
      new Option('--file <path>', 'another history than that of this checkout').default(
        historyPath,
        displayPath(historyPath),
      ),
    )
    .option('--preset <name>', 'the runs of one preset only')
    .addOption(jsonOption())
    .action(history);
}

async function history(names: readonly string[], flags: HistoryFlags): Promise<void> {
  const { targets, stream, write } = await jsonOutput(flags.json);
  keepInputs(targets, [flags.file]);
  const { records, unreadable } = await readHistory(flags.file);
  for (const problem of unreadable) console.error(`warning: ${problem}; the line is left out`);
  const all = trendsOf(records);
  const known = new Set(all.map((trend) => trend.implementation));
  for (const name of names) {
    if (!known.has(name))
      throw new UsageError(`no run of "${name}" in ${displayPath(flags.file)}${suggestion(name, [...known])}`);
  }
  const trends = all
    .filter((trend) => names.length === 0 || names.includes(trend.implementation))
    .filter((trend) => flags.preset === undefined || trend.taskName.split(', ')[0] === flags.preset);
  if (trends.length === 0) {
    const which = flags.preset === undefined ? '' : ` of preset "${flags.preset}"`;
    throw new UsageError(`no run${which} in ${displayPath(flags.file)}; \`${commandLine('bench')}\` adds one`);
  }
  stream.write(`${historyTables(trends, terminalPage(stream))}\n`);
  await write({ schemaVersion: SCHEMA_VERSION, trends });
}
