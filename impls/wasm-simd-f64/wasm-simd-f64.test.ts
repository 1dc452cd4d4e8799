import fc from 'fast-check';
import { expect, test } from 'vitest';
import { naiveLossAndGradients } from '../testing/naive-oracle.ts';
import { randomTask } from '../testing/random-task.ts';
import { testGoldenTraces, testTrainerContract } from '../testing/trainer-contract.ts';
import createTrainer from './wasm-simd-f64.ts';

// The seed is fixed because the kernel of every shape stays in the cache. Heads of 4 make n_embd a multiple of 4.
const bounds = { headDimMultipleOf: 4 };
const seed = 20260212;

testTrainerContract(createTrainer, 5, bounds, seed);
testGoldenTraces(createTrainer, ['d16', 'd32', 'd64', 'd128', 'd16-b16']);

test('gradients are central finite differences of the loss', async () => {
  const [task] = fc.sample(randomTask({ ...bounds, maxHeads: 2, maxLayers: 2 }), { seed, numRuns: 1 });
  const gradients = (await createTrainer(task)).gradients?.();
  const lossWith = (index: number, delta: number) =>
    naiveLossAndGradients(task, task.parameters.with(index, task.parameters[index] + delta), 0).loss;
  const delta = 1e-6;
  for (let index = 0; index < task.parameters.length; index += 7) {
    const difference = (lossWith(index, delta) - lossWith(index, -delta)) / (2 * delta);
    expect(Math.abs((gradients?.[index] ?? NaN) - difference)).toBeLessThan(1e-8);
  }
});
