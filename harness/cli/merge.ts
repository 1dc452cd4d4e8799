import { resolve } from 'node:path';
import { Command } from 'commander';
import { outputTarget, requireDistinct, writeOutput } from '../output-target.ts';
import { mergedMarkdown, mergedTables } from '../present/merged-table.ts';
import { terminalPage } from '../present/page.ts';
import { mergeResults } from '../results/merged.ts';
import { SCHEMA_VERSION } from '../results/schema.ts';
import { readResult } from '../results/store.ts';
import { jsonOption } from './flags.ts';

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
  const targets = {
    json: flags.json === undefined ? undefined : await outputTarget(`--json ${flags.json}`, flags.json),
    markdown:
      flags.markdown === undefined ? undefined : await outputTarget(`--markdown ${flags.markdown}`, flags.markdown),
  };
  const asked = Object.values(targets).filter((target) => target !== undefined);
  const sources = [];
  for (const path of files) sources.push({ path, result: await readResult(path) });
  requireDistinct([...asked, ...files.map((path) => ({ flag: path, path: resolve(path) }))]);
  const merged = mergeResults(sources);
  const stream = asked.some(({ path }) => path === undefined) ? process.stderr : process.stdout;
  stream.write(`${mergedTables(merged, terminalPage(stream))}\n`);
  if (targets.markdown !== undefined) await writeOutput(targets.markdown, mergedMarkdown(merged));
  if (targets.json !== undefined) {
    await writeOutput(targets.json, `${JSON.stringify({ schemaVersion: SCHEMA_VERSION, ...merged }, null, 2)}\n`);
  }
}
