import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import { prepareTask } from '../../harness/task/prepare-task.ts';
import { type PresetName, presets, taskDefaults } from '../../harness/task/presets.ts';
import type { Trainer, TrainingTask } from '../contract.ts';
import { largestDifference } from '../testing/trainer-contract.ts';
import createSingleTrainer from '../wasm-simd/wasm-simd.ts';
import type { Partnership } from './partnership.ts';
import { createThreadedTrainer } from './wasm-threads.ts';

const prepare = async (preset: PresetName): Promise<TrainingTask> =>
  (await prepareTask({ ...taskDefaults, ...presets[preset], preset })).training;

/** Trains on two threads, on any machine, and ends them. */
async function onTwoThreads<T>(task: TrainingTask, use: (trainer: Trainer) => T): Promise<T> {
  const trainer = await createThreadedTrainer(task, 2);
  try {
    return use(trainer);
  } finally {
    trainer.close?.();
  }
}

test('features divided give what one thread gives, but for the order of sums', async () => {
  const task = await prepare('d64');
  const single = await createSingleTrainer(task);
  const difference = (a: Float64Array | undefined, b: Float64Array | undefined) =>
    largestDifference(a ?? new Float64Array(), b ?? Float64Array.of(Number.NaN));
  await onTwoThreads(task, (trainer) => {
    expect(trainer.parameters()).toEqual(single.parameters());
    expect(difference(trainer.gradients?.(), single.gradients?.())).toBeLessThan(1e-6);
    expect(trainer.parameters()).toEqual(single.parameters());
    expect(difference(trainer.train(20), single.train(20))).toBeLessThan(2.5e-6);
  });
});

test('three heads on two threads: shares need not be equal', async () => {
  const { model, parameters, ...rest } = await prepare('d64');
  const count = (2 * model.vocabSize + model.blockSize) * 72 + 2 * 12 * 72 * 72;
  const task = {
    ...rest,
    model: { ...model, nEmbd: 72, nHead: 3, nLayer: 2 },
    parameters: Float64Array.from({ length: count }, (_, i) => parameters[i % parameters.length]),
  };
  const single = await createSingleTrainer(task);
  await onTwoThreads(task, (trainer) => {
    expect(largestDifference(trainer.train(5), single.train(5))).toBeLessThan(5e-6);
  });
});

test('documents divided give what one thread gives, but for the order of sums', async () => {
  const task = await prepare('d16-b16');
  const single = await createSingleTrainer(task);
  await onTwoThreads(task, (trainer) => {
    expect(largestDifference(trainer.train(200), single.train(200))).toBeLessThan(2.5e-6);
    expect(
      largestDifference(trainer.gradients?.() ?? new Float64Array(), single.gradients?.() ?? new Float64Array()),
    ).toBeLessThan(1e-5);
  });
});

test.each<PresetName>(['d64', 'd16-b16'])(
  'a run at %s repeats to the last bit, after a reset and on new threads',
  async (preset) => {
    const task = await prepare(preset);
    const [first, again] = await onTwoThreads(task, (trainer) => {
      const losses = trainer.train(50);
      trainer.reset(0);
      return [losses, trainer.train(50)];
    });
    expect(again).toEqual(first);
    expect(await onTwoThreads(task, (trainer) => trainer.train(50))).toEqual(first);
  },
);

/** Trains three steps in each mode, in turns, and counts the tests of cores. */
class InTurns implements Partnership {
  readonly modes: Partnership['mode'][] = ['together', 'alone'];
  readonly trained = vi.fn(() => {
    if (this.trained.mock.calls.length % 3 === 0) this.modes.push(...this.modes.splice(0, 1));
  });
  readonly begins = vi.fn();
  readonly ends = vi.fn();
  get mode() {
    return this.modes[0];
  }
}

test.each<PresetName>(['d64', 'd16-b16', 'd64-b16'])(
  'at %s the first thread takes over the others’ parts and gives them back, with the same bits',
  async (preset) => {
    const task = await prepare(preset);
    const train = async (partnership: Partnership) => {
      const trainer = await createThreadedTrainer(task, 2, partnership);
      try {
        // In calls of 7 steps, so that modes change within calls and between them.
        const losses = Array.from({ length: 6 }, () => trainer.train(7));
        return { losses, parameters: trainer.parameters() };
      } finally {
        trainer.close();
      }
    };
    const together = await train({ mode: 'together', begins: () => {}, trained: () => {}, ends: () => {} });
    const inTurns = new InTurns();
    expect(await train(inTurns)).toEqual(together);
    expect(inTurns.trained).toHaveBeenCalledTimes(42);
  },
);

test('where nothing can be divided, it declines and says why', async () => {
  await expect(createThreadedTrainer(await prepare('d16'), 2)).rejects.toThrow(
    'one document of n_embd 16 is too little to divide among cores: --batch 2 or more, or --n-embd 64 or more',
  );
  await expect(createThreadedTrainer(await prepare('d64'), 1)).rejects.toThrow('room for one thread only');
});

test.each(['trainer.close()', ''])('a process is free to end after training: %s', async (end) => {
  const module = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const program = `
    const { createThreadedTrainer } = await import(${module('wasm-threads.ts')});
    const model = { nEmbd: 8, nHead: 2, nLayer: 1, blockSize: 4, vocabSize: 3 };
    const trainer = await createThreadedTrainer({
      model, tokens: Int32Array.of(2, 0, 1, 2), offsets: Int32Array.of(0, 4), batch: 2, numSteps: 10, learningRate: 0.01,
      parameters: new Float64Array((2 * 3 + 4) * 8 + 12 * 64).fill(0.1),
    }, 2);
    console.log(trainer.train(3).length);
    ${end}`;
  const folder = mkdtempSync(join(tmpdir(), 'threads-'));
  try {
    const file = join(folder, 'program.mjs');
    writeFileSync(file, program);
    const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 30_000 });
    expect(stdout).toBe('3\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
