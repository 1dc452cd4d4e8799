import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { randomTask } from '../../impls/testing/random-task.ts';
import { rulesTrainer } from '../diagnose/rules-trainer.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { goldenRuns, presets, taskDefaults } from '../task/presets.ts';
import { smallTask } from '../testing/small-task.ts';
import { findGolden } from './golden.ts';
import { Teacher } from './teacher.ts';

const { training } = smallTask();

describe('the teacher, left to itself, learns what the reference learns', () => {
  test.each(goldenRuns.filter(({ dataset }) => dataset === taskDefaults.dataset))(
    '$preset',
    async ({ preset, steps }) => {
      const task = await prepareTask({ ...taskDefaults, preset, ...presets[preset] });
      const golden = await findGolden(task.description);
      if (golden === undefined) throw new Error(`no golden trace of ${preset}: npm run golden`);
      const teacher = new Teacher(task.training, 'float64');
      let parameters = task.training.parameters;
      // Beyond, larger models are too chaotic for two right trainers to agree.
      for (let step = 0; step < Math.min(steps, 15); step++) {
        const { loss, after } = teacher.predict(parameters);
        expect(Math.abs(loss - golden.losses[step])).toBeLessThan(1e-11);
        parameters = after;
      }
    },
  );
});

test('steps of the plain model are within the bound, at any shape', () => {
  fc.assert(
    fc.property(randomTask(), fc.constantFrom(0.001, 0.01), (task, learningRate) => {
      const run = { ...task, learningRate };
      const trainer = rulesTrainer(run);
      const teacher = new Teacher(run, 'float64');
      for (let step = 0; step < 12; step++) {
        const before = trainer.parameters.slice();
        const loss = trainer.step();
        expect(teacher.check(before, trainer.parameters, loss).fractionOfBound).toBeLessThanOrEqual(1);
      }
    }),
    { numRuns: 60 },
  );
});

describe('one step', () => {
  const step = (change: (after: Float64Array) => void, lossError = 0) => {
    const teacher = new Teacher(training, 'float32');
    const { loss, after } = new Teacher(training, 'float64').predict(training.parameters);
    change(after);
    return teacher.check(training.parameters, after, loss + lossError);
  };

  test('that is right is right in either precision', () => {
    expect(step(() => {}).fractionOfBound).toBe(0);
    expect(step((after) => after.set(after.map(Math.fround))).fractionOfBound).toBeLessThan(1);
  });

  test.each([
    ['one entry that was not updated', (after: Float64Array) => after.set([training.parameters[5]], 5)],
    ['one entry that is not finite', (after: Float64Array) => after.set([Number.NaN], 5)],
    ['one entry off by a hundredth of its step', (after: Float64Array) => after.set([after[5] + 1e-4], 5)],
  ])('with %s is wrong, and the entry is named', (_, change) => {
    const finding = step(change);
    expect(finding.fractionOfBound).toBeGreaterThan(1);
    expect(finding.update).toMatchObject({ tensor: 'wte', row: 1, column: 1 });
  });

  test('with a loss that is off, or not finite, is wrong', () => {
    expect(step(() => {}, 1e-4).fractionOfBound).toBeGreaterThan(1);
    expect(step(() => {}, Number.NaN).fractionOfBound).toBeGreaterThan(1);
  });
});

test('start parameters are accepted as they are, and rounded where float32 is declared', () => {
  const rounded = training.parameters.map(Math.fround);
  expect(new Teacher(training, 'float64').wrongStart(training.parameters)).toBeUndefined();
  expect(new Teacher(training, 'float64').wrongStart(rounded)).toMatchObject({ tensor: 'wte', row: 0, column: 0 });
  expect(new Teacher(training, 'float32').wrongStart(rounded)).toBeUndefined();
  expect(new Teacher(training, 'float32').wrongStart(training.parameters.toReversed())).toBeDefined();
});
