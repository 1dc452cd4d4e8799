import { describe, expect, test } from 'vitest';
import { parameterLayout } from '../task/parameter-layout.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { goldenRuns, presets, taskDefaults } from '../task/presets.ts';
import { findGolden } from '../verify/golden.ts';
import { rulesTrainer } from './rules-trainer.ts';

const STEPS = 5;

describe('the model that implementations are judged by agrees with the reference', () => {
  test.each(goldenRuns.filter(({ dataset }) => dataset === taskDefaults.dataset))('$preset', async ({ preset }) => {
    const task = await prepareTask({ ...taskDefaults, preset, ...presets[preset] });
    const golden = await findGolden(task.description);
    if (golden === undefined) throw new Error(`no golden trace of ${preset}: npm run golden`);
    const trainer = rulesTrainer(task.training);
    for (let step = 0; step < STEPS; step++) {
      expect(Math.abs(trainer.step() - golden.losses[step])).toBeLessThan(1e-12);
      if (step > 0) continue;
      const layout = parameterLayout(task.training.model);
      for (const { name, stride, values } of golden.gradients) {
        const offset = layout.find((matrix) => matrix.name === name)?.offset ?? Number.NaN;
        for (const [i, value] of values.entries()) {
          expect(Math.abs(trainer.gradient[offset + i * stride] - value)).toBeLessThan(1e-14);
        }
      }
    }
  });
});
