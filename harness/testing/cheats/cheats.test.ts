import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { discoverImplementations } from '../../program/discover.ts';
import { expectRefusals, plantAllCheats } from './bench-cheats.ts';
import { folderCheats } from './cheats.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'cheats-'));
  await plantAllCheats(root);
});
afterAll(() => rm(root, { recursive: true }));

it('bench --quick refuses every cheat for its trick', { timeout: 600_000 }, async () => {
  await expectRefusals(root, ['--quick']);
});

it('a folder that claims a role is refused, and says where roles stand', async () => {
  const found = (await discoverImplementations(root)).find(({ name }) => name === 'claim');
  expect(found).toMatchObject({ problem: expect.stringMatching(folderCheats[1].reason) });
});
