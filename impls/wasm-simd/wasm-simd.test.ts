import fc from 'fast-check';
import { expect, test } from 'vitest';
import { prepareTask } from '../../harness/task/prepare-task.ts';
import { type PresetName, presets, taskDefaults } from '../../harness/task/presets.ts';
import { findGolden } from '../../harness/verify/golden.ts';
import type { TrainingTask } from '../contract.ts';
import { createNaiveTrainer, naiveLossAndGradients } from '../testing/naive-oracle.ts';
import { randomTask } from '../testing/random-task.ts';
import { largestDifference, namesMissing } from '../testing/trainer-contract.ts';
import createFloat64Trainer from '../wasm-simd-f64/wasm-simd-f64.ts';
import { loadKernel } from './kernel-cache.ts';
import { KernelInstance } from './kernel-instance.ts';
import { kernelLayout } from './kernels/request.ts';
import { kernelRequest } from './trainer.ts';
import createTrainer from './wasm-simd.ts';

/** Half of the tolerance of float32 over all steps. */
const half = 2.5e-6;

const prepare = (preset: PresetName, dataset: string = taskDefaults.dataset) =>
  prepareTask({ ...taskDefaults, ...presets[preset], preset, dataset });

async function distanceFromGolden(preset: PresetName, dataset?: string): Promise<number> {
  const task = await prepare(preset, dataset);
  const golden = await findGolden(task.description);
  if (golden === undefined) throw new Error(`no golden trace of ${preset}: make it with \`npm run golden\``);
  const losses = (await createTrainer(task.training)).train(golden.losses.length);
  return largestDifference(losses, Float64Array.from(golden.losses));
}

test('all 1,000 losses at d16 are the reference’s, with a factor of two to spare', async () => {
  expect(await distanceFromGolden('d16')).toBeLessThan(half);
});

test('so are all 200 losses at d16 in batches of 16', async () => {
  expect(await distanceFromGolden('d16-b16')).toBeLessThan(half);
});

test.skipIf(namesMissing !== '')(`so are all 1,000 losses on names.txt${namesMissing}`, async () => {
  expect(await distanceFromGolden('d16', 'names')).toBeLessThan(half);
});

test('5,000 steps stay with float64: step by step at first, on average to the end', async () => {
  const { training } = await prepare('d16');
  const task = { ...training, numSteps: 5000 };
  const [single, double] = [await createTrainer(task), await createFloat64Trainer(task)];
  const [actual, expected] = [single.train(5000), double.train(5000)];
  expect(largestDifference(actual.subarray(0, 500), expected.subarray(0, 500))).toBeLessThan(half);
  // Later, a hidden unit is so near to relu's kink that rounding puts it on different sides in the two.
  const mean = (losses: Float64Array, from: number) =>
    losses.subarray(from, from + 1000).reduce((sum, loss) => sum + loss, 0) / 1000;
  for (const from of [0, 1000, 2000, 3000, 4000])
    expect(Math.abs(mean(actual, from) - mean(expected, from))).toBeLessThan(5e-3);
});

test('at a tenth of the learning rate they do so step by step to the end', async () => {
  const { training } = await prepare('d16');
  const calm = { ...training, numSteps: 5000, learningRate: 0.001 };
  const [single, double] = [await createTrainer(calm), await createFloat64Trainer(calm)];
  expect(largestDifference(single.train(5000), double.train(5000))).toBeLessThan(half);
  expect(largestDifference(single.parameters(), double.parameters())).toBeLessThan(5e-6);
});

test.each<PresetName>(['d16', 'd16-b16'])(
  'gradients at %s are those of the oracle, before and during training',
  async (preset) => {
    const { training } = await prepare(preset);
    const trainer = await createTrainer(training);
    let step = 0;
    for (const steps of [0, 1, 20]) {
      if (steps > 0) step += trainer.train(steps).length;
      const { gradients } = naiveLossAndGradients(training, trainer.parameters(), step);
      const actual = trainer.gradients?.() ?? new Float64Array();
      expect(largestDifference(actual, Float64Array.from(gradients))).toBeLessThan(1e-6);
    }
  },
);

test('reset goes back to the start, and reading gradients or parameters changes nothing', async () => {
  const { training } = await prepare('d16');
  const trainer = await createTrainer(training);
  const losses = trainer.train(30);
  trainer.reset(0);
  expect(trainer.parameters()).toEqual(Float64Array.from(Float32Array.from(training.parameters)));
  const before = trainer.train(10);
  trainer.gradients?.().fill(NaN);
  trainer.parameters().fill(NaN);
  expect(Float64Array.of(...before, ...trainer.train(20))).toEqual(losses);
});

test('any shape trains like the oracle', async () => {
  const tasks = randomTask({ headDimMultipleOf: 4, maxBatch: 18 });
  await fc.assert(
    fc.asyncProperty(tasks, async (task) => {
      const [expected, actual] = [createNaiveTrainer(task), await createTrainer(task)];
      const gradients = actual.gradients?.() ?? new Float64Array();
      expect(largestDifference(gradients, expected.gradients())).toBeLessThan(1e-5);
      expect(largestDifference(actual.train(3), expected.train(3))).toBeLessThan(1e-4);
    }),
    // The seed is fixed because the kernel of every shape stays in the cache.
    { numRuns: 5, seed: 20260212 },
  );
});

test('without relaxed SIMD the losses are as good', async () => {
  const { training, description } = await prepare('d16');
  const golden = await findGolden(description);
  const request = { ...kernelRequest(training, 'float32'), fused: false };
  const kernel = new KernelInstance(training, request, (await loadKernel(request)).module);
  const [train] = kernel.phases('only');
  kernel.reset(0);
  const losses = Float64Array.from({ length: 1000 }, (_, step) => {
    kernel.prepareStep(step);
    train(kernel.prepareDocuments(step, [0]), 1);
    return kernel.loss;
  });
  expect(largestDifference(losses, Float64Array.from(golden?.losses ?? []))).toBeLessThan(half);
});

test('features that do not fill whole vectors are declined', async () => {
  const { training } = await prepare('d16');
  const odd: TrainingTask = { ...training, model: { ...training.model, nEmbd: 18, nHead: 2 } };
  await expect(createTrainer(odd)).rejects.toThrow('n_embd 18 is not a multiple of 4, the lanes of a SIMD vector');
});

test('parameters that are subnormal in float32 train like any others', async () => {
  const { training } = await prepare('d16');
  const parameters = training.parameters.map((value, i) => (i % 3 === 0 ? value * 1e-39 : value));
  const task = { ...training, parameters };
  const losses = (await createTrainer(task)).train(20);
  expect(largestDifference(losses, createNaiveTrainer(task).train(20))).toBeLessThan(half);
});

test('nothing that Adam keeps is subnormal, however long ago a token came', async () => {
  const { training } = await prepare('d16');
  const request = kernelRequest(training, 'float32');
  const kernel = new KernelInstance(training, request, (await loadKernel(request)).module);
  const [train] = kernel.phases('only');
  kernel.reset(0);
  // Nine documents once, and then only the tenth: the moments of the others decay below 1e-38.
  for (let step = 0; step < 10_000; step++) {
    kernel.prepareStep(Math.min(step, 999));
    train(kernel.prepareDocuments(Math.min(step, 9), [0]), 1);
  }
  const { parameters, parameterCount, toFirstMoment, toSecondMoment } = kernel.layout;
  for (const distance of [toFirstMoment, toSecondMoment]) {
    const moments = new Float32Array(kernel.memory.buffer, parameters + distance, parameterCount);
    expect(moments.filter((value) => value !== 0 && Math.abs(value) < 2 ** -126)).toEqual(new Float32Array());
  }
});

test.each<PresetName>(['d16', 'd64', 'd128'])('memory at %s is bounded, and cannot grow', async (preset) => {
  const { training } = await prepare(preset);
  const request = kernelRequest(training, 'float32');
  const { memory } = new KernelInstance(training, request, (await loadKernel(request)).module);
  const { nEmbd, nHead, nLayer, blockSize, vocabSize } = training.model;
  const perLayer = 16 * nEmbd + nHead * blockSize;
  // Every activation and its gradient, padded to whole vectors and cache lines.
  const activationBytes = 2 * 4 * 1.5 * blockSize * (nLayer * perLayer + 4 * nEmbd + vocabSize);
  const parameterBytes = training.parameters.length * 3 * 4;
  expect(kernelLayout(request).totalBytes).toBeLessThan(1.5 * parameterBytes + activationBytes);
  expect(memory.buffer.byteLength - kernelLayout(request).totalBytes).toBeLessThan(65536);
  expect(() => memory.grow(1)).toThrow(RangeError);
});
