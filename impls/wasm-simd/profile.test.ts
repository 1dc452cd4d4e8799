import { expect, test } from 'vitest';
import { prepareTask } from '../../harness/task/prepare-task.ts';
import { presets, taskDefaults } from '../../harness/task/presets.ts';
import { kernelText } from './kernels/model.ts';
import createTrainer, { repeatCalls } from './profile.ts';
import { kernelRequest } from './trainer.ts';
import createPlainTrainer from './wasm-simd.ts';

const { training } = await prepareTask({ ...taskDefaults, ...presets.d16 });

test('a repeated function is called twice as often in a step, all others as often as before', () => {
  const text = kernelText(kernelRequest(training, 'float32'));
  const calls = (source: string, name: string) => source.split(`(call $${name} `).length - 1;
  const repeated = repeatCalls(text, (name) => name === 'attention');
  expect(calls(text, 'attention')).toBeGreaterThan(0);
  expect(calls(repeated, 'attention')).toBe(2 * calls(text, 'attention'));
  expect(calls(repeated, 'rmsnorm')).toBe(calls(text, 'rmsnorm'));
  expect(repeatCalls(text, () => false)).toBe(text);
});

test('with nothing repeated, or what only reads, the losses are those of the kernel', async () => {
  const expected = (await createPlainTrainer(training)).train(20);
  expect((await createTrainer(training, () => false)).train(20)).toEqual(expected);
  expect((await createTrainer(training, (name) => name === 'attention')).train(20)).toEqual(expected);
});
