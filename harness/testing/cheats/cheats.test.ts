import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { discoverImplementations } from '../../program/discover.ts';
import { expectRefusals, plantAllCheats } from './bench-cheats.ts';
import { cheats, folderCheats } from './cheats.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'cheats-'));
  await plantAllCheats(root);
});
afterAll(() => rm(root, { recursive: true }));

/** With the one that tampers with a clock, one of each kind; `npm run test:cheats` tries all. */
const kinds: readonly string[] = ['repeats the last loss after eight steps', 'trains in reset'];

it('bench --quick refuses a wrong loss, moved work and an untrue clock', { timeout: 120_000 }, async () => {
  const tried = cheats.filter(({ trick }) => kinds.includes(trick));
  expect(tried).toHaveLength(kinds.length);
  await expectRefusals(root, ['--quick'], tried);
});

it('a folder that claims a role is refused, and says where roles stand', async () => {
  const found = (await discoverImplementations(root)).find(({ name }) => name === 'claim');
  expect(found).toMatchObject({ problem: expect.stringMatching(folderCheats[1].reason) });
});
