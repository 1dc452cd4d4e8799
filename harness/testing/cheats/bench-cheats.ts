import { basename, dirname, join, resolve } from 'node:path';
import { execa } from 'execa';
import { discoverImplementations } from '../../program/discover.ts';
import { withRole } from '../../program/roles.ts';
import { projectRoot } from '../../project.ts';
import { benchResultSchema } from '../../results/schema.ts';
import { cheatName, cheats, plantCheats } from './cheats.ts';

/** Plants every cheat on the trusted trainer. */
export async function plantAllCheats(root: string): Promise<void> {
  const [honest] = withRole(await discoverImplementations(), 'trusted');
  if (!('module' in honest.manifest.run)) throw new Error('the trusted trainer is no module');
  const file = resolve(honest.folder, honest.manifest.run.module);
  await plantCheats(root, { folder: dirname(file), file: basename(file) });
}

/** What `bench` says of each cheat, by its name. */
export async function benchCheats(root: string, words: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const names = [...cheats.map((_, i) => cheatName(i)), 'tamper'];
  const { stdout } = await execa(
    process.execPath,
    [
      join(projectRoot, 'harness/cli/main.ts'),
      'bench',
      ...names,
      '--impls',
      root,
      '--no-save',
      '--json',
      '-',
      ...words,
    ],
    { reject: false, cwd: projectRoot },
  );
  const { rows } = benchResultSchema.parse(JSON.parse(stdout));
  return Object.fromEntries(
    rows.map((row) => [row.implementation, row.status === 'verified' ? 'verified' : row.reason]),
  );
}
