import { expect, test } from 'vitest';
import { flopsPerStep } from '../program/trainer-process.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { presets, taskDefaults } from '../task/presets.ts';
import { CPYTHON_FLOPS_PER_SECOND } from '../verify/expectation.ts';
import { fullPace, paceOfSize, quickPace } from './pace.ts';

test.each([
  ['d16', fullPace],
  ['d32', fullPace],
  ['d64', quickPace],
] as const)(
  '%s is timed at the pace at which three processes of every row take about a minute',
  async (preset, pace) => {
    const task = await prepareTask({ ...taskDefaults, ...presets[preset] });
    expect(paceOfSize((1000 * flopsPerStep(task)) / CPYTHON_FLOPS_PER_SECOND)).toBe(pace);
  },
);
