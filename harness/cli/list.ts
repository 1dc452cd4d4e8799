import Table from 'cli-table3';
import { Command } from 'commander';
import { borderless } from '../present/borderless.ts';
import { availability } from '../program/availability.ts';
import { type DiscoveredImplementation, discoverWith, isBroken } from '../program/discover.ts';
import { describeSupports } from '../program/supports.ts';
import { exitCode } from './exit-code.ts';
import { implementationsOption, jsonOption } from './flags.ts';
import { checkJsonTarget, writeJson } from './json-output.ts';

/** One implementation as `list --json` tells of it. */
type ListedImplementation =
  | {
      readonly implementation: string;
      readonly language: string;
      readonly technique: string;
      readonly precision: string;
      readonly roles: readonly string[];
      /** Programs it needs; the runtime of a TypeScript implementation is among `versions`. */
      readonly needs: readonly string[];
      /** Which sizes it trains, in words; left out where all. */
      readonly supports?: string;
      readonly available: boolean;
      readonly reason?: string;
      readonly versions: Readonly<Record<string, string>>;
    }
  | { readonly implementation: string; readonly problem: string };

export function listCommand(): Command {
  return new Command('list')
    .description('the implementations, what each needs, and whether that is here')
    .addOption(jsonOption())
    .addOption(implementationsOption())
    .action(list);
}

async function list(flags: { readonly json?: string; readonly impls: readonly string[] }): Promise<void> {
  await checkJsonTarget(flags.json);
  const listed = await Promise.all((await discoverWith(flags.impls)).map(describe));
  if (flags.json !== '-') process.stdout.write(`${table(listed)}\n`);
  if (flags.json !== undefined) await writeJson(flags.json, { schemaVersion: 1, implementations: listed });
  const problems = listed.flatMap((one) => ('problem' in one ? [one.problem] : []));
  for (const problem of problems) console.error(`error: ${problem}`);
  process.exitCode = problems.length > 0 ? exitCode.usage : exitCode.ok;
}

async function describe(found: DiscoveredImplementation): Promise<ListedImplementation> {
  if (isBroken(found)) return { implementation: found.name, problem: found.problem };
  const { language, technique, precision, roles, needs, supports } = found.manifest;
  const present = await availability(found);
  return {
    implementation: found.name,
    language,
    technique,
    precision,
    roles,
    needs: needs.map((need) => need.program),
    ...(supports === undefined ? {} : { supports: describeSupports(supports) }),
    available: present.available,
    ...(present.available ? { versions: present.versions } : { versions: {}, reason: present.reason }),
  };
}

function table(listed: readonly ListedImplementation[]): string {
  const lines = new Table({ ...borderless, head: ['implementation', 'language', 'technique', 'precision', 'here'] });
  for (const one of listed) {
    lines.push(
      'problem' in one
        ? [one.implementation, '', '', '', 'broken manifest']
        : [
            one.implementation,
            one.language,
            one.technique,
            one.precision,
            whereabouts(one.available, one.versions, one.reason),
          ],
    );
  }
  const limits = listed.flatMap((one) =>
    'supports' in one && one.supports !== undefined ? [`${one.implementation} trains ${one.supports}`] : [],
  );
  return [lines.toString(), ...limits].join('\n');
}

function whereabouts(available: boolean, versions: Readonly<Record<string, string>>, reason = ''): string {
  if (!available) return `no: ${reason}`;
  const said = Object.entries(versions).map(([program, version]) =>
    version.includes(program) ? version : `${program} ${version}`,
  );
  return said.length === 0 ? 'yes' : `yes: ${said.join(', ')}`;
}
