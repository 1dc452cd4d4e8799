import { basename, dirname, join, resolve } from 'node:path';
import { execa } from 'execa';
import { expect } from 'vitest';
import { discoverImplementations } from '../../program/discover.ts';
import { withRole } from '../../program/roles.ts';
import { projectRoot } from '../../project.ts';
import { benchResultSchema } from '../../results/schema.ts';
import { type Cheat, cheatName, cheats, folderCheats, plantCheats } from './cheats.ts';

/** Plants every cheat on the trusted trainer. */
export async function plantAllCheats(root: string): Promise<void> {
  const [honest] = withRole(await discoverImplementations(), 'trusted');
  if (!('module' in honest.manifest.run)) throw new Error('the trusted trainer is no module');
  const file = resolve(honest.folder, honest.manifest.run.module);
  await plantCheats(root, { folder: dirname(file), file: basename(file) });
}

/** Runs `bench` on cheats of {@link cheats}, and on the one that tampers with its host: each must be refused for its trick. */
export async function expectRefusals(
  root: string,
  words: readonly string[],
  tried: readonly Cheat[] = cheats,
): Promise<void> {
  const nameOf = (cheat: Cheat) => cheatName(cheats.indexOf(cheat));
  const { stdout } = await execa(
    process.execPath,
    [
      join(projectRoot, 'harness/cli/main.ts'),
      'bench',
      ...tried.map(nameOf),
      'tamper',
      '--impls',
      root,
      '--no-save',
      '--json',
      '-',
      ...words,
    ],
    { reject: false, cwd: projectRoot },
  );
  const { rows, noise } = benchResultSchema.parse(JSON.parse(stdout));
  const told = new Map(rows.map((row) => [row.implementation, row.status === 'verified' ? 'verified' : row.reason]));
  for (const cheat of tried) {
    if (cheat.hidesInNoise && noise.warnings.some((warning) => warning.startsWith('load'))) continue;
    expect.soft(told.get(nameOf(cheat)), cheat.trick).toMatch(cheat.reason);
  }
  expect.soft(told.get('tamper'), folderCheats[0].trick).toMatch(folderCheats[0].reason);
}
