import { Command, Option } from 'commander';
import { availability } from '../program/availability.ts';
import { discoverImplementations, isBroken } from '../program/discover.ts';
import { displayPath, implementationsRoot } from '../project.ts';
import { scaffold, scaffoldLanguages } from '../scaffold/scaffold.ts';
import { implementationsOption } from './flags.ts';

export function newCommand(): Command {
  return new Command('new')
    .description('start a new implementation that runs at once and is correct')
    .argument('<name>', 'name of its folder and of its row')
    .addOption(new Option('--language <language>', scaffoldLanguages.join(', ')).default('typescript'))
    .addOption(implementationsOption())
    .action(startNew);
}

async function startNew(name: string, flags: { readonly language: string; readonly impls?: string }): Promise<void> {
  const root = flags.impls ?? implementationsRoot;
  const files = await scaffold(root, name, flags.language);
  console.log(`${displayPath(root)}/${name}: ${files.join(', ')}`);
  const made = (await discoverImplementations(root)).find((found) => found.name === name);
  if (made !== undefined && !isBroken(made)) {
    const present = await availability(made);
    if (!present.available) console.log(`${present.reason}: the row is skipped until it is installed`);
  }
  console.log(`next: npm run check -- ${name}`);
}
