import { basename, dirname, join, resolve } from 'node:path';
import { execa } from 'execa';
import { expect } from 'vitest';
import { discoverImplementations } from '../../program/discover.ts';
import { withRole } from '../../program/roles.ts';
import { projectRoot } from '../../project.ts';
import { benchResultSchema } from '../../results/schema.ts';
import { cheatName, cheats, folderCheats, plantCheats } from './cheats.ts';

/** Plants every cheat on the trusted trainer. */
export async function plantAllCheats(root: string): Promise<void> {
  const [honest] = withRole(await discoverImplementations(), 'trusted');
  if (!('module' in honest.manifest.run)) throw new Error('the trusted trainer is no module');
  const file = resolve(honest.folder, honest.manifest.run.module);
  await plantCheats(root, { folder: dirname(file), file: basename(file) });
}

/** Runs `bench` on all cheats: each must be refused for its trick. */
export async function expectRefusals(root: string, words: readonly string[]): Promise<void> {
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
  const { rows, noise } = benchResultSchema.parse(JSON.parse(stdout));
  const told = new Map(rows.map((row) => [row.implementation, row.status === 'verified' ? 'verified' : row.reason]));
  for (const [i, { trick, reason, hidesInNoise }] of cheats.entries()) {
    if (hidesInNoise && noise.warnings.some((warning) => warning.startsWith('load'))) continue;
    expect.soft(told.get(cheatName(i)), trick).toMatch(reason);
  }
  expect.soft(told.get('tamper'), folderCheats[0].trick).toMatch(folderCheats[0].reason);
}
