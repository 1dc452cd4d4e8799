import { Command } from 'commander';
import { keepInputs, outputTarget, requireDistinct, writeOutput } from '../output-target.ts';
import { mergedMarkdown, mergedTables } from '../present/merged-table.ts';
import { terminalPage } from '../present/page.ts';
import { mergeResults } from '../results/merged.ts';
import { SCHEMA_VERSION } from '../results/schema.ts';
import { readResult } from '../results/store.ts';
import { jsonOption, jsonOutput } from './flags.ts';

interface MergeFlags {
  readonly markdown?: string;
  readonly json?: string;
}

export function mergeCommand(): Command {
  return new Command('merge')
    .summary('one table of several machines')
    .description('join results of several machines into one table')
    .argument('<file...>', 'results that `bench --json` wrote, one a machine')
    .option('--markdown <file>', 'write the table as Markdown too')
    .addOption(jsonOption())
    .action(merge);
}

async function merge(files: readonly string[], flags: MergeFlags): Promise<void> {
  const { markdown } = flags;
  const markdownTarget = markdown === undefined ? [] : [await outputTarget(`--markdown ${markdown}`, markdown)];
  const json = await jsonOutput(flags.json);
  const targets = [...json.targets, ...markdownTarget];
  const sources = [];
  for (const path of files) sources.push({ path, result: await readResult(path) });
  requireDistinct(targets);
  keepInputs(targets, files);
  const merged = mergeResults(sources);
  const stream = targets.some(({ path }) => path === undefined) ? process.stderr : process.stdout;
  stream.write(`${mergedTables(merged, terminalPage(stream))}\n`);
  for (const target of markdownTarget) await writeOutput(target, mergedMarkdown(merged));
  await json.write({ schemaVersion: SCHEMA_VERSION, ...merged });
}
