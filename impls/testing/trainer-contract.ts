import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { namedDatasets } from '../../harness/task/dataset.ts';
import { prepareTask } from '../../harness/task/prepare-task.ts';
import { type PresetName, presets, taskDefaults } from '../../harness/task/presets.ts';
import { findGolden } from '../../harness/verify/golden.ts';
import type { CreateTrainer, Trainer } from '../contract.ts';
import { createNaiveTrainer } from './naive-oracle.ts';
import { randomTask, type TaskBounds } from './random-task.ts';

/**
 * For tests only: the tests of every float64 trainer with gradients.
 * The oracle's own gradients are checked against finite differences in `naive-oracle.test.ts`.
 *
 * @param runs how many random tasks to try
 * @param bounds of these tasks
 * @param seed draws the same tasks every time, for trainers that cache something for each task
 */
export function testTrainerContract(
  createTrainer: CreateTrainer,
  runs: number,
  bounds: TaskBounds = {},
  seed?: number,
): void {
  const options = { numRuns: runs, ...(seed === undefined ? {} : { seed }) };
  const small = { ...bounds, maxHeads: 2, maxLayers: 1 };

  test('losses, gradients and parameters agree with the naive oracle for any shape', async () => {
    await fc.assert(
      fc.asyncProperty(randomTask(bounds), async (task) => {
        // If a gradient is near zero, Adam multiplies its rounding error by lr / ε. At the usual rate of 0.01 this alone can
        // move a loss by 1e-10. At a tenth of that rate the bound can tell right from wrong.
        const gentle = { ...task, learningRate: 0.001 };
        const expected = createNaiveTrainer(gentle);
        const actual = await createTrainer(gentle);
        expect(gradientDifference(actual, expected.gradients())).toBeLessThan(1e-12);
        expect(largestDifference(actual.train(1), expected.train(1))).toBeLessThan(1e-12);
        expect(largestDifference(actual.train(2), expected.train(2))).toBeLessThan(1e-10);
        expect(largestDifference(actual.parameters(), expected.parameters())).toBeLessThan(1e-8);
      }),
      options,
    );
  });

  test('steps go through the documents in order, and then begin anew', async () => {
    await fc.assert(
      fc.asyncProperty(randomTask(small), async (task) => {
        const frozen = { ...task, learningRate: 0 };
        const documents = task.offsets.length - 1;
        const losses = (await createTrainer(frozen)).train(2 * documents);
        expect(losses.subarray(documents)).toEqual(losses.subarray(0, documents));
        expect(largestDifference(losses, createNaiveTrainer(frozen).train(2 * documents))).toBeLessThan(1e-12);
      }),
      options,
    );
  });

  test('reset goes back to the start, and reading gradients or parameters changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(randomTask(small), async (task) => {
        const trainer = await createTrainer(task);
        const losses = trainer.train(3);
        trainer.reset(0);
        expect(trainer.parameters()).toEqual(task.parameters);
        const [first] = trainer.train(1);
        gradientsOf(trainer).fill(NaN);
        trainer.parameters().fill(NaN);
        expect(Float64Array.of(first, ...trainer.train(2))).toEqual(losses);
      }),
      options,
    );
  });

  test('reset chooses the document that step 0 begins with, counted modulo their number', async () => {
    await fc.assert(
      fc.asyncProperty(randomTask(small), fc.nat({ max: 1_000_000 }), async (task, firstDocument) => {
        const trainer = await createTrainer(task);
        const expected = createNaiveTrainer(task);
        trainer.train(1);
        trainer.reset(firstDocument);
        expected.reset(firstDocument);
        expect(gradientDifference(trainer, expected.gradients())).toBeLessThan(1e-12);
        expect(largestDifference(trainer.train(2), expected.train(2))).toBeLessThan(1e-8);
      }),
      options,
    );
  });

  test('losses and parameters stay finite over 5,000 steps', async () => {
    const [task] = fc.sample(randomTask({ ...small, maxBatch: 1 }), { seed: 7, numRuns: 1 });
    const trainer = await createTrainer({ ...task, numSteps: 5000 });
    for (const loss of trainer.train(5000)) expect(loss).toBeGreaterThanOrEqual(0);
    for (const parameter of trainer.parameters()) expect(parameter).toSatisfy(Number.isFinite);
  });
}

function gradientsOf(trainer: Trainer): Float64Array {
  if (trainer.gradients === undefined) throw new Error('this trainer gives no gradients');
  return trainer.gradients();
}

/** As a share of the largest gradient above 1: at width 1 there are gradients of 60, and their rounding is as much larger. */
function gradientDifference(trainer: Trainer, expected: Float64Array): number {
  const largest = expected.reduce((found, gradient) => Math.max(found, Math.abs(gradient)), 1);
  return largestDifference(gradientsOf(trainer), expected) / largest;
}

/** Ends the name of a test that is skipped without the original's data set. */
export const namesMissing: string = existsSync(namedDatasets.names.path)
  ? ''
  : ' (skipped: no names.txt; fetch it with `npm run data`)';

/**
 * For tests only: checks every loss of the reference's golden runs at these presets. The original's published figures, on its own data
 * set, are checked through the protocol (`harness/verify/known-figures.test.ts`).
 *
 * @param mostSteps for a trainer that takes long
 */
export function testGoldenTraces(
  createTrainer: CreateTrainer,
  presetNames: readonly PresetName[],
  mostSteps = Number.POSITIVE_INFINITY,
): void {
  test.each(presetNames)('losses at %s are those of the golden trace', async (preset) => {
    const task = await prepareTask({ ...taskDefaults, ...presets[preset], preset });
    const golden = await findGolden(task.description);
    if (golden === undefined) throw new Error(`no golden trace of ${preset}: make it with \`npm run golden\``);
    const expected = Float64Array.from(golden.losses).subarray(0, mostSteps);
    const losses = (await createTrainer(task.training)).train(expected.length);
    expect(largestDifference(losses, expected)).toBeLessThan(1e-10);
  });
}

/** The largest distance between entries of the same index. */
export function largestDifference(a: Float64Array, b: Float64Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i])), 0);
}
