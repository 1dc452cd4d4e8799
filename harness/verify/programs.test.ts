import { describe, expect, test } from 'vitest';
import { availability } from '../program/availability.ts';
import { discoverImplementations, type Implementation, isBroken } from '../program/discover.ts';
import { rolesOf } from '../program/roles.ts';
import { supportsTask } from '../program/supports.ts';
import { startTrainer, type TrainerProcess } from '../program/trainer-process.ts';
import type { GauntletTask } from '../task/gauntlet.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { presets, type Sizes, taskDefaults } from '../task/presets.ts';
import type { PreparedTask } from '../task/task.ts';
import { expectationOf } from './expectation.ts';
import { runGauntlet } from './run-gauntlet.ts';
import { verifyImplementation } from './verify-implementation.ts';

const implementations = await discoverImplementations();

/** Competitors in other languages than TypeScript; the reference itself is what they are held against. */
const programs = implementations.filter(
  (found): found is Implementation =>
    !isBroken(found) && 'command' in found.manifest.run && !rolesOf(found).includes('reference'),
);

const prepare = (sizes: Sizes): Promise<PreparedTask> => prepareTask({ ...taskDefaults, ...sizes });

const STEPS = 300;
const expected = await expectationOf(await prepare(presets.d16), implementations, { steps: STEPS });

/**
 * Held to the float64 model step by step. Gradients of other sizes are for the tests in the folders of the programs, and the random
 * tasks for every `check` and `bench`, CI's too.
 */
const tasks: readonly GauntletTask[] = [
  { name: 'd64', steps: 20, task: await prepare(presets.d64) },
  {
    name: 'the smallest sizes',
    steps: 40,
    task: await prepare({ nEmbd: 1, nHead: 1, nLayer: 1, blockSize: 1, batch: 1 }),
  },
  {
    name: 'odd sizes',
    steps: 40,
    task: await prepare({ nEmbd: 9, nHead: 3, nLayer: 2, blockSize: 11, batch: 2 }),
  },
];

describe('d16, and in the same process a large size, the smallest and an odd one', () => {
  for (const program of programs) {
    const isHere = availability(program);
    test(`${program.name} is right`, { timeout: 240_000 }, async (context) => {
      const present = await isHere;
      if (!present.available) return context.skip(present.reason);
      const { precision, supports } = program.manifest;
      let trainer: TrainerProcess | undefined;
      const keep = (kept: TrainerProcess) => {
        trainer = kept;
      };
      try {
        const verification = await verifyImplementation(program, expected, { steps: STEPS, keep });
        expect(verification).toMatchObject({ status: 'verified', stepsVerified: STEPS });
        const start = async (task: PreparedTask) =>
          trainer !== undefined && (await trainer.take(task))
            ? { ...trainer, quit: async () => {} }
            : startTrainer(program, task);
        const verdict = await runGauntlet(start, tasks, precision, ({ training }) => !supportsTask(supports, training));
        expect(verdict).toMatchObject({ status: 'passed' });
      } finally {
        await trainer?.quit();
      }
    });
  }
});
