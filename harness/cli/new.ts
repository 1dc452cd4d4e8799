import { mkdir } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { fitted } from '../present/page.ts';
import { availability } from '../program/availability.ts';
import { discoverWith, isBroken } from '../program/discover.ts';
import { commandLine, displayPath, implementationsRoot, isInstalled } from '../project.ts';
import { scaffold, scaffoldLanguages } from '../scaffold/scaffold.ts';
import { UsageError } from '../usage-error.ts';
import { collect } from './flags.ts';

export function newCommand(): Command {
  return new Command('new')
    .summary('start an implementation')
    .description('start a new implementation that runs at once and is correct')
    .argument('<name>', 'name of its folder and of its row')
    .addOption(new Option('--language <language>', scaffoldLanguages.join(', ')).default('typescript'))
    .addOption(new Option('--impls <folder>', 'make it in this folder').argParser(collect).default([], 'impls'))
    .action(startNew);
}

interface NewFlags {
  readonly language: string;
  readonly impls: readonly string[];
}

async function startNew(name: string, { language, impls }: NewFlags): Promise<void> {
  if (impls.length > 1)
    throw new UsageError(`--impls: got ${impls.length} folders; expected one; name the one for ${name}`);
  const root = impls[0] ?? (isInstalled ? 'impls' : implementationsRoot);
  const folders = isInstalled ? [root] : impls;
  const namesake = folders.length === 0 ? undefined : (await discoverWith([])).find((found) => found.name === name);
  if (namesake !== undefined) {
    throw new UsageError(`${displayPath(namesake.folder)} has the name ${name} already; choose another name`);
  }
  if (isInstalled) await mkdir(root, { recursive: true });
  const files = await scaffold(root, name, language);
  console.log(fitted(`${displayPath(root)}/${name}: ${files.join(', ')}`, process.stdout));
  const made = (await discoverWith(folders)).find((found) => found.name === name);
  if (made !== undefined && !isBroken(made)) {
    const present = await availability(made);
    if (!present.available) console.log(`${present.reason}: the row is skipped until it is installed`);
  }
  console.log(`next: ${commandLine('check', name, ...folders.flatMap((folder) => ['--impls', folder]))}`);
}
