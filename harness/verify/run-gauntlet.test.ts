import { expect, test } from 'vitest';
import { UnsupportedTask } from '../../impls/contract.ts';
import { gauntletTasks } from '../task/gauntlet.ts';
import type { PreparedTask } from '../task/task.ts';
import { createPlainTrainer } from '../testing/plain-trainer.ts';
import { stepwise } from '../testing/stepwise.ts';
import { runGauntlet } from './run-gauntlet.ts';

const right = async ({ training }: PreparedTask) => stepwise(createPlainTrainer(training));
const declinesBatches = async (task: PreparedTask) => {
  if (task.training.batch > 1) throw new UnsupportedTask('one document a step');
  return right(task);
};

test('a seed stands for its tasks, and another for others', () => {
  const tasksOf = (seed: number) => JSON.stringify(gauntletTasks(seed).map(({ task }) => task.training));
  expect(tasksOf(5)).toBe(tasksOf(5));
  expect(tasksOf(5)).not.toBe(tasksOf(6));
});

test('tasks meet what names never do', () => {
  for (let seed = 0; seed < 20; seed++) {
    const tasks = gauntletTasks(seed).map(({ task, steps }) => ({ ...task.training, ...task.training.model, steps }));
    const documents = ({ offsets }: { offsets: Int32Array }) => offsets.length - 1;
    expect(tasks.some((task) => task.batch > documents(task))).toBe(true);
    expect(tasks.some((task) => task.steps * task.batch > 2 * documents(task))).toBe(true);
    expect(tasks.some((task) => task.blockSize === 1)).toBe(true);
    expect(tasks.some((task) => task.nLayer > 1)).toBe(true);
    expect(tasks.some((task) => task.nEmbd % 16 !== 0 && task.nEmbd > 32)).toBe(true);
    expect(tasks.some((task) => task.steps >= 40 && task.steps === task.numSteps)).toBe(true);
    for (const { nEmbd, nHead, steps, numSteps } of tasks) {
      expect(nEmbd % nHead).toBe(0);
      expect(steps).toBeLessThanOrEqual(numSteps);
    }
  }
});

test('a task may be declined where the manifest excludes it, and only there', async () => {
  const tasks = gauntletTasks(3);
  const excludesBatches = ({ training }: PreparedTask) => training.batch > 1;
  expect(await runGauntlet(declinesBatches, tasks, 'float64', excludesBatches)).toMatchObject({
    status: 'passed',
    declined: tasks.filter(({ task }) => task.training.batch > 1).map(({ name }) => name),
  });
  expect(await runGauntlet(declinesBatches, tasks, 'float64', () => false)).toMatchObject({
    status: 'failed',
    reason: expect.stringMatching(/^declined \(one document a step\); expected it to train/),
  });
});

test('every trainer is ended, also the one that is wrong', async () => {
  let [started, ended] = [0, 0];
  const counted =
    (wrong: boolean) =>
    async ({ training }: PreparedTask) => {
      started++;
      const trainer = stepwise(createPlainTrainer(training, undefined, wrong ? ['reset keeps the step'] : []));
      return {
        ...trainer,
        quit: async () => {
          ended++;
        },
      };
    };
  expect(await runGauntlet(counted(true), gauntletTasks(1), 'float64', () => false)).toMatchObject({
    status: 'failed',
    reason: expect.stringMatching(/after `reset 0`: got .*; expected .*, as before the reset/),
  });
  expect(await runGauntlet(counted(false), gauntletTasks(1), 'float64', () => false)).toMatchObject({
    status: 'passed',
    tasks: 7,
  });
  expect(ended).toBe(started);
});

test('a reset that first fails in a later lap is refused', async () => {
  const failsFrom =
    (lap: number) =>
    async ({ training }: PreparedTask) => {
      const trainer = stepwise(createPlainTrainer(training));
      let resets = 0;
      return { ...trainer, reset: async (document: number) => (++resets < lap ? trainer.reset(document) : undefined) };
    };
  for (const lap of [1, 2, 3, 4, 5]) {
    const verdict = await runGauntlet(failsFrom(lap), gauntletTasks(1), 'float64', () => false);
    expect(verdict, `lap ${lap}`).toMatchObject({ status: 'failed', reason: expect.stringContaining('after `reset') });
  }
});
