import { basename, dirname } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { availability } from '../../harness/program/availability.ts';
import { discoverImplementations, type Implementation, isBroken } from '../../harness/program/discover.ts';
import { startTrainer } from '../../harness/program/trainer-process.ts';
import type { PreparedTask } from '../../harness/task/task.ts';
import type { TrainingTask } from '../contract.ts';
import { naiveLossAndGradients } from './naive-oracle.ts';
import { randomTask, type TaskBounds } from './random-task.ts';
import { largestDifference } from './trainer-contract.ts';

/** Steps that are compared with the oracle. Some faults show only after Adam has moved parameters that should stay zero: hence the late ones. */
const HELD_STEPS = [0, 1, 2, 3, 7, 15, 27, 39];
/** What rounding may cause in one step from given parameters, with room for unlucky sums. Loss: relative. Gradient: relative to its largest entry. */
const tolerances = { float32: { loss: 2e-5, gradient: 1e-4 }, float64: { loss: 1e-13, gradient: 1e-12 } } as const;

/**
 * For tests only: compares steps of a program of `impls/` with the naive oracle, on random shapes. The oracle starts each step from
 * the program's own parameters. So rounding never adds up, and the tolerance of one step is right for all.
 *
 * @param testFile `import.meta.filename` of a test in the program's folder
 */
export async function testProgramContract(testFile: string, runs: number, bounds: TaskBounds = {}): Promise<void> {
  const name = basename(dirname(testFile));
  const program = (await discoverImplementations()).find(
    (found): found is Implementation => !isBroken(found) && found.name === name,
  );
  if (program === undefined) throw new Error(`impls/${name}: got no usable manifest; expected an implementation`);
  const present = await availability(program);
  const title = `${name}: loss and gradient of ${HELD_STEPS.length} steps are the oracle's for any shape`;
  test.skipIf(!present.available)(
    present.available ? title : `${title} (skipped: ${present.reason})`,
    async () => {
      await fc.assert(
        fc.asyncProperty(randomTask({ maxLayers: 2, maxBatch: 2, ...bounds }), (task) => holdToOracle(program, task)),
        { numRuns: runs },
      );
    },
    300_000,
  );
}

async function holdToOracle(program: Implementation, task: TrainingTask): Promise<void> {
  const tolerance = tolerances[program.manifest.precision];
  const trainer = await startTrainer(program, describe(task));
  try {
    let trained = 0;
    for (const step of HELD_STEPS) {
      if (step > trained) await trainer.train(step - trained);
      trained = step + 1;
      const { loss, gradients } = naiveLossAndGradients(task, await trainer.parameters(), step);
      const expected = Float64Array.from(gradients);
      const largest = largestDifference(expected, new Float64Array(expected.length));
      const actual = await trainer.gradients();
      if (actual !== undefined) {
        expect(largestDifference(actual, expected), `gradient of step ${step}`).toBeLessThan(
          tolerance.gradient * Math.max(1, largest),
        );
      }
      const { losses } = await trainer.train(1);
      expect(Math.abs(losses[0] - loss), `loss of step ${step}`).toBeLessThan(tolerance.loss * Math.max(1, loss));
    }
  } finally {
    await trainer.quit();
  }
}

/** The task with all that is needed to start a program. */
function describe(training: TrainingTask): PreparedTask {
  const { model, batch, numSteps, learningRate, parameters, offsets } = training;
  return {
    description: {
      dataset: { name: 'random', sha256: '0'.repeat(64), documents: offsets.length - 1 },
      ...model,
      parameterCount: parameters.length,
      batch,
      seed: 0,
      numSteps,
      learningRate,
    },
    training,
    characters: [],
    datasetPath: '',
    randomAfterInit: () => {
      throw new Error('a random task draws no names');
    },
  };
}
