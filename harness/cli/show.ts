import { Command } from 'commander';
import { keepInputs } from '../output-target.ts';
import { benchTable, type SortOrder } from '../present/bench-table.ts';
import { claimsTable } from '../present/claims-table.ts';
import { exportResult, parseExports } from '../present/export/export.ts';
import { fitted, type Page, terminalPage } from '../present/page.ts';
import { commandLine, displayPath } from '../project.ts';
import { readPublished } from '../results/published.ts';
import type { BenchResult } from '../results/schema.ts';
import { readResult, resultPaths } from '../results/store.ts';
import { UsageError } from '../usage-error.ts';
import { exportOption, resultsOption, sortOption } from './flags.ts';

interface ShowFlags {
  readonly results: string;
  readonly sort: SortOrder;
  readonly export: readonly string[];
}

export function showCommand(): Command {
  return new Command('show')
    .summary('print or export a stored result')
    .description('print stored results again, or export them in another format')
    .argument('[result...]', 'files that `bench` saved (default: the newest)')
    .addOption(resultsOption('where to look for the newest'))
    .addOption(sortOption())
    .addOption(exportOption())
    .action(show);
}

async function show(files: readonly string[], flags: ShowFlags): Promise<void> {
  const exports = await parseExports(flags.export);
  if (exports.length > 0 && files.length > 1) {
    throw new UsageError(`--export: got ${files.length} results; expected one; name the one to export`);
  }
  const shown = files.length > 0 ? files : [await newestIn(flags.results)];
  keepInputs(
    exports.map(({ target }) => target),
    shown,
  );
  const stream = exports.some(({ target }) => target.path === undefined) ? process.stderr : process.stdout;
  for (const [index, file] of shown.entries()) {
    const result = await readResult(file);
    const heading = `${displayPath(file)}, ${result.createdAt.slice(0, 16).replace('T', ' ')} UTC`;
    stream.write(
      `${index > 0 ? '\n' : ''}${fitted(heading, stream)}\n${await resultText(result, terminalPage(stream), flags.sort)}\n`,
    );
    await exportResult(result, exports);
  }
}

/** @throws UsageError if there is none */
async function newestIn(folder: string): Promise<string> {
  const [newest] = await resultPaths(folder);
  if (newest !== undefined) return newest;
  throw new UsageError(`${displayPath(folder)}: no result yet; \`${commandLine('bench')}\` saves one, or name a file`);
}

/** A result as `bench` and `show` print it: the table, then the published claims if they can be read. */
export async function resultText(result: BenchResult, page: Page, order: SortOrder): Promise<string> {
  const own = benchTable(result, page, order);
  if (result.claims.length === 0) return own;
  try {
    const claims = claimsTable(result.claims, await readPublished(), page.width);
    return claims === undefined ? own : `${own}\n\n${claims}`;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return `${own}\n\npublished claims are not shown: ${error.message}`;
  }
}
