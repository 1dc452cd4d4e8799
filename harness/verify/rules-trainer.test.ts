import { describe, expect, test } from 'vitest';
import { suspects } from '../diagnose/suspects.ts';
import { parameterLayout } from '../task/parameter-layout.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { goldenRuns, presets, taskDefaults } from '../task/presets.ts';
import { smallTask } from '../testing/small-task.ts';
import { findGolden } from './golden.ts';
import { RulesTrainer } from './rules-trainer.ts';
import { correctRules, type TrainingRules } from './training-rules.ts';

const STEPS = 5;

describe('the model that implementations are judged by agrees with the reference', () => {
  test.each(goldenRuns.filter(({ dataset }) => dataset === taskDefaults.dataset))('$preset', async ({ preset }) => {
    const task = await prepareTask({ ...taskDefaults, preset, ...presets[preset] });
    const golden = await findGolden(task.description);
    if (golden === undefined) throw new Error(`no golden trace of ${preset}: npm run golden`);
    const trainer = new RulesTrainer(task.training);
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

test('every suspect differs from the reference within a few steps, unless it takes an overflow to show', () => {
  const { training } = smallTask();
  const run = (rules: TrainingRules) => {
    const trainer = new RulesTrainer(training, rules);
    const losses = Array.from({ length: STEPS }, () => trainer.step());
    return [...losses, ...trainer.gradient].join();
  };
  const correct = run(correctRules);
  for (const { fault, rules } of suspects(training.model)) {
    if (rules === correctRules || !rules.softmaxSubtractsMaximum) continue;
    expect(run(rules), fault).not.toBe(correct);
  }
});
