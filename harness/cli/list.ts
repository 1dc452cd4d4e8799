import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { type Page, painted, terminalPage, wrap } from '../present/page.ts';
import { availability } from '../program/availability.ts';
import { type DiscoveredImplementation, discoverWith, isBroken } from '../program/discover.ts';
import { rolesOf } from '../program/roles.ts';
import { describeSupports } from '../program/supports.ts';
import { displayPath } from '../project.ts';
import { exitCode } from './exit-code.ts';
import { implementationsOption, jsonOption, jsonOutput } from './flags.ts';

export function listCommand(): Command {
  return new Command('list')
    .summary('what there is, and what runs here')
    .description('list the implementations, and whether each runs here')
    .addOption(jsonOption())
    .addOption(implementationsOption())
    .action(list);
}

async function list(flags: { readonly json?: string; readonly impls: readonly string[] }): Promise<void> {
  const { write } = await jsonOutput(flags.json);
  const listed = await Promise.all((await discoverWith(flags.impls)).map(describe));
  if (flags.json !== '-') process.stdout.write(`${listText(listed, terminalPage(process.stdout))}\n`);
  await write({ schemaVersion: 1, implementations: listed });
  const problems = listed.flatMap(({ problem }) => problem ?? []);
  for (const problem of problems) console.error(`error: ${problem}`);
  process.exitCode = problems.length > 0 ? exitCode.usage : exitCode.ok;
}

type ListedImplementation = Awaited<ReturnType<typeof describe>>;

/** What `list --json` says of one implementation. What is undefined is left out there. */
async function describe(found: DiscoveredImplementation) {
  if (isBroken(found)) return { implementation: found.name, problem: found.problem };
  const { language, technique, precision, threads, needs, supports } = found.manifest;
  const present = await availability(found);
  const readme = join(found.folder, 'README.md');
  return {
    implementation: found.name,
    language,
    technique,
    readme: existsSync(readme) ? displayPath(readme) : undefined,
    precision,
    threads,
    roles: rolesOf(found),
    needs: needs.map((need) => need.program),
    supports: supports && describeSupports(supports),
    available: present.available,
    versions: present.available ? present.versions : {},
    reason: present.available ? undefined : present.reason,
  };
}

/** Two lines a row: its name and idea; then its language, whether it runs here, and where to read more. */
function listText(listed: readonly ListedImplementation[], page: Page): string {
  return listed
    .flatMap((one) => {
      if (one.problem !== undefined)
        return [painted(page, 'red', wrap(`${one.implementation}: its manifest cannot be read`, page.width))];
      const { implementation, technique, language, precision, threads, supports, readme } = one;
      const processors = threads === 'cores' ? 'a thread per core' : `${threads} thread${threads === 1 ? '' : 's'}`;
      const facts = [
        `${language}, ${precision}, ${processors}`,
        ...(supports === undefined ? [] : [`trains ${supports}`]),
        whereabouts(one.available, one.versions, one.reason),
        ...(readme === undefined ? [] : [readme]),
      ];
      return [
        painted(page, 'bold', wrap(`${implementation}: ${technique}`, page.width)),
        painted(page, one.available ? 'dim' : 'yellow', `  ${wrap(facts.join('; '), page.width - 2, '    ')}`),
      ];
    })
    .join('\n');
}

function whereabouts(available: boolean, versions: Readonly<Record<string, string>>, reason = ''): string {
  if (!available) return `skipped: ${reason}`;
  const said = Object.entries(versions).map(([program, version]) => {
    // `cc (Debian 12.2.0-14) 12.2.0` and `Python 3.11.7` as `python3` says it.
    const short = version.replaceAll(/ ?\([^)]*\)/g, '').trim();
    const names = short.toLowerCase().includes(program.toLowerCase().replace(/[\d.]+$/, ''));
    return names ? short : `${program} ${short}`;
  });
  return said.length === 0 ? 'runs here' : `runs on ${said.join(', ')}`;
}
