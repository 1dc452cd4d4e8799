import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { discoverImplementations } from '../../program/discover.ts';
import { withRole } from '../../program/roles.ts';
import { projectRoot } from '../../project.ts';
import { type BenchResult, benchResultSchema } from '../../results/schema.ts';
import { cheatName, cheats, folderCheats, plantCheats } from './cheats.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'cheats-'));
  const [honest] = withRole(await discoverImplementations(), 'trusted');
  if (!('module' in honest.manifest.run)) throw new Error('the trusted trainer is no module');
  const file = resolve(honest.folder, honest.manifest.run.module);
  await plantCheats(root, { folder: dirname(file), file: basename(file) });
});
afterAll(() => rm(root, { recursive: true }));

async function bench(...words: string[]): Promise<BenchResult> {
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
  return benchResultSchema.parse(JSON.parse(stdout));
}

it('in a bench every cheat is refused for its trick', { timeout: 600_000 }, async () => {
  const { rows } = await bench('--quick');
  const told = Object.fromEntries(
    rows.map((row) => [row.implementation, row.status === 'verified' ? 'verified' : row.reason]),
  );
  for (const [i, { trick, reason }] of cheats.entries()) expect.soft(told[cheatName(i)], trick).toMatch(reason);
  expect.soft(told['tamper'], folderCheats[0].trick).toMatch(/its clock says|impossible/);
});

it('a folder that claims a role is refused, and says where roles stand', async () => {
  const found = (await discoverImplementations(root)).find(({ name }) => name === 'claim');
  expect(found).toMatchObject({ problem: expect.stringMatching(folderCheats[1].reason) });
});
