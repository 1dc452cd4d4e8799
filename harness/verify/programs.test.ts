import { describe, expect, test } from 'vitest';
import { availability } from '../program/availability.ts';
import { discoverImplementations, type Implementation, isBroken } from '../program/discover.ts';
import { rolesOf } from '../program/roles.ts';
import { supportsTask } from '../program/supports.ts';
import { startTrainer } from '../program/trainer-process.ts';
import { gauntletTasks } from '../task/gauntlet.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { presets, type Sizes } from '../task/presets.ts';
import type { PreparedTask } from '../task/task.ts';
import { type Expectation, expectationOf } from './expectation.ts';
import { runGauntlet } from './run-gauntlet.ts';
import { verifyImplementation } from './verify-implementation.ts';

const implementations = await discoverImplementations();

/** Competitors in other languages than TypeScript; the reference itself is what they are held against. */
const programs = implementations.filter(
  (found): found is Implementation =>
    !isBroken(found) && 'command' in found.manifest.run && !rolesOf(found).includes('reference'),
);

async function expectation(sizes: Sizes, steps: number): Promise<Expectation> {
  const task = await prepareTask({ ...sizes, dataset: 'us-names-2016', seed: 42, numSteps: 1000, learningRate: 0.01 });
  return expectationOf(task, implementations, { steps });
}

const tasks = {
  d16: { sizes: presets.d16, steps: 300 },
  d64: { sizes: presets.d64, steps: 20 },
  'the smallest sizes': { sizes: { nEmbd: 1, nHead: 1, nLayer: 1, blockSize: 1, batch: 1 }, steps: 40 },
  'odd sizes': { sizes: { nEmbd: 9, nHead: 3, nLayer: 2, blockSize: 11, batch: 2 }, steps: 40 },
} as const;

describe.for(Object.entries(tasks))('%s', async ([_, { sizes, steps }]) => {
  const expected = await expectation(sizes, steps);
  for (const program of programs) {
    const present = await availability(program);
    const name = `${program.name} verifies${present.available ? '' : ` (skipped: ${present.reason})`}`;
    test.skipIf(!present.available)(name, { timeout: 120_000 }, async () => {
      const verification = await verifyImplementation(program, expected, { steps });
      expect(verification).toMatchObject({ status: 'verified', stepsVerified: steps });
    });
  }
});

describe('the random tasks, which include 40 steps and more', () => {
  for (const program of programs) {
    const isHere = availability(program);
    test(`${program.name} passes`, { timeout: 240_000 }, async (context) => {
      const present = await isHere;
      if (!present.available) return context.skip(present.reason);
      const start = (task: PreparedTask) => startTrainer(program, task);
      const { precision, supports } = program.manifest;
      const verdict = await runGauntlet(
        start,
        gauntletTasks(20261124),
        precision,
        ({ training }) => !supportsTask(supports, training),
      );
      expect(verdict).toMatchObject({ status: 'passed' });
    });
  }
});
