import { expect, test } from 'vitest';
import { discoverImplementations } from '../program/discover.ts';
import { withRole } from '../program/roles.ts';
import type { TrainerProcess } from '../program/trainer-process.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { presets, taskDefaults } from '../task/presets.ts';
import { expectationOf } from './expectation.ts';
import { verifyImplementation } from './verify-implementation.ts';

test('a trainer that is kept after the random tasks is back on its task', async () => {
  const all = await discoverImplementations();
  const task = await prepareTask({ ...taskDefaults, ...presets.d16 });
  const expectation = await expectationOf(task, all, { steps: 3 });
  const [trusted] = withRole(all, 'trusted');
  if (trusted === undefined) throw new Error('no trusted trainer');
  let kept: TrainerProcess | undefined;
  const keep = (trainer: TrainerProcess) => {
    kept = trainer;
  };
  const verification = await verifyImplementation(trusted, expectation, { steps: 3, gauntletSeed: 1, keep });
  expect(verification.status).toBe('verified');
  try {
    const trained = await kept?.train(3);
    expect(trained?.losses).toEqual('losses' in verification && verification.losses);
  } finally {
    await kept?.quit();
  }
});
