import { Command } from 'commander';
import writeFileAtomic from 'write-file-atomic';
import { mergedMarkdown, mergedTables } from '../present/merged-table.ts';
import { terminalPage } from '../present/page.ts';
import { mergeResults } from '../results/merged.ts';
import { SCHEMA_VERSION } from '../results/schema.ts';
import { readResult } from '../results/store.ts';
import { UsageError } from '../usage-error.ts';
import { jsonOption } from './flags.ts';
import { checkJsonTarget, writeJson } from './json-output.ts';

interface MergeFlags {
  readonly markdown?: string;
  readonly json?: string;
}

export function mergeCommand(): Command {
  return new Command('merge')
    .description('join results of several machines into one table')
    .argument('<file...>', 'results that `bench --json` wrote, one a machine')
    .option('--markdown <file>', 'write the table as Markdown too')
    .addOption(jsonOption())
    .action(merge);
}

async function merge(files: readonly string[], flags: MergeFlags): Promise<void> {
  await checkJsonTarget(flags.json);
  const sources = [];
  for (const path of files) sources.push({ path, result: await readResult(path) });
  const merged = mergeResults(sources);
  const stream = flags.json === '-' ? process.stderr : process.stdout;
  stream.write(`${mergedTables(merged, terminalPage(stream))}\n`);
  if (flags.markdown !== undefined) await writeMarkdown(flags.markdown, mergedMarkdown(merged));
  if (flags.json !== undefined) await writeJson(flags.json, { schemaVersion: SCHEMA_VERSION, ...merged });
}

async function writeMarkdown(path: string, text: string): Promise<void> {
  try {
    await writeFileAtomic(path, text);
  } catch (error) {
    throw new UsageError(`--markdown ${path}: cannot be written (${error instanceof Error ? error.message : error})`);
  }
}
