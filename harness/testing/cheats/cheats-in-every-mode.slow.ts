import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { contenderOf } from '../../measure/contender.ts';
import { longRun } from '../../measure/long-run.ts';
import { discoverImplementations, isBroken } from '../../program/discover.ts';
import { prepareTask } from '../../task/prepare-task.ts';
import { presets, taskDefaults } from '../../task/presets.ts';
import { expectationOf } from '../../verify/expectation.ts';
import { expectRefusals, plantAllCheats } from './bench-cheats.ts';
import { cheatName, cheats, folderCheats } from './cheats.ts';

/** What `bench --long` trains, but for the number of steps: so many that a piece is longer than what one word may hide. */
const LONG_STEPS = 10_000;

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'cheats-'));
  await plantAllCheats(root);
});
afterAll(() => rm(root, { recursive: true }));

it('bench --quick refuses every cheat for its trick', { timeout: 600_000 }, async () => {
  await expectRefusals(root, ['--quick']);
});

it('a plain bench refuses every cheat for its trick', { timeout: 900_000 }, async () => {
  await expectRefusals(root, ['--rounds', '3']);
});

it('--long refuses every cheat for its trick', { timeout: 900_000 }, async () => {
  const all = await discoverImplementations();
  const task = await prepareTask({ ...taskDefaults, ...presets.d16, preset: 'd16', numSteps: LONG_STEPS });
  const expectation = await expectationOf(task, all);
  const { signal } = new AbortController();
  const found = await discoverImplementations(root);
  const refusal = async (name: string): Promise<string> => {
    const implementation = found.find((one) => one.name === name);
    if (implementation === undefined || isBroken(implementation)) throw new Error(`${name} was not planted`);
    const contender = await contenderOf(implementation, expectation, { budgetSeconds: 0, scoutMilliseconds: 0 });
    const options = {
      task: task.training,
      steps: LONG_STEPS,
      budgetMilliseconds: 60_000,
      stepsForced: 100,
      seed: 1,
      signal,
    };
    return longRun(contender, options).then(
      () => 'verified',
      ({ message }) => message,
    );
  };
  const isNoisy = loadavg()[0] > availableParallelism();
  for (const [i, { trick, reason, needsRounds, hidesInNoise }] of cheats.entries())
    if (!needsRounds && !(isNoisy && hidesInNoise)) expect.soft(await refusal(cheatName(i)), trick).toMatch(reason);
  expect.soft(await refusal('tamper'), folderCheats[0].trick).toMatch(folderCheats[0].reason);
});
