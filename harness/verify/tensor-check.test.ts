import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parameterLayout } from '../task/parameter-layout.ts';
import { smallTask } from '../testing/small-task.ts';
import { checkUpdate, parametersAfterFirstStep } from './first-update.ts';
import { RulesTrainer } from './rules-trainer.ts';
import { checkGradients, checkTensors, gradientTolerances } from './tensor-check.ts';
import { correctRules } from './training-rules.ts';

const { training } = smallTask();
const layout = parameterLayout(training.model);
const count = training.parameters.length;
const anyEntry = fc.nat({ max: count - 1 });
const tensorAt = (index: number) => layout.filter(({ offset }) => offset <= index).at(-1)?.name;
const offTensors = (findings: ReturnType<typeof checkTensors>) =>
  findings.filter((finding) => !finding.agrees).map(({ tensor }) => tensor);

describe('tensor by tensor', () => {
  test('a single entry that is off is found in its tensor, and in no other', () => {
    fc.assert(
      fc.property(anyEntry, fc.constantFrom(1e-3, -1e-3, Number.NaN, Number.POSITIVE_INFINITY), (index, by) => {
        const actual = training.parameters.slice();
        actual[index] += by;
        const findings = checkTensors(layout, training.parameters, actual, () => 1e-4);
        expect(offTensors(findings)).toEqual([tensorAt(index)]);
      }),
    );
  });

  test('nothing is off where nothing differs by more than its tolerance', () => {
    const actual = training.parameters.map((value, index) => value + (index % 2 === 0 ? 0.9e-4 : -0.9e-4));
    const findings = checkTensors(layout, training.parameters, actual, () => 1e-4);
    expect(offTensors(findings)).toEqual([]);
    expect(findings.every(({ maxError }) => maxError > 0.8e-4)).toBe(true);
  });
});

describe('gradients', () => {
  test('a tensor with large gradients may be off in proportion', () => {
    const expected = new Float64Array(count);
    expected[0] = 100;
    const actual = expected.slice();
    actual[1] = 50 * 5e-6;
    actual[count - 1] = 50 * 5e-6;
    expect(offTensors(checkGradients(layout, expected, actual, 'float32'))).toEqual([layout.at(-1)?.name]);
  });
});

describe('parameters after the first step', () => {
  const model = new RulesTrainer(training);
  model.step();
  const expected = parametersAfterFirstStep(training, model.gradient);
  const check = (actual: Float64Array, precision: 'float32' | 'float64') =>
    offTensors(checkUpdate(layout, expected, model.gradient, training.learningRate, actual, precision));

  test("follow from the gradient alone, by Adam's first step", () => {
    for (const [i, value] of model.parameters.entries()) expect(Math.abs(value - expected[i])).toBeLessThan(1e-15);
  });

  test('agree where the gradient was rounded to float32', () => {
    const rounded = parametersAfterFirstStep(training, model.gradient.map(Math.fround)).map(Math.fround);
    expect(check(rounded, 'float32')).toEqual([]);
    expect(check(rounded, 'float64')).not.toEqual([]);
  });

  test('agree where the gradient is off within its own tolerance, also where the update is steep: near zero', () => {
    const deltas = gradientTolerances(layout, model.gradient, 'float32');
    const shifted = model.gradient.map((g, i) => g + 0.9 * deltas[i] * (i % 2 === 0 ? 1 : -1));
    expect(check(parametersAfterFirstStep(training, shifted), 'float32')).toEqual([]);
  });

  test('disagree where a parameter was not updated, or the update has another size', () => {
    const touched = model.gradient.findIndex((g) => Math.abs(g) > 1e-3);
    const left = expected.slice();
    left[touched] = training.parameters[touched];
    expect(check(left, 'float32')).toEqual([tensorAt(touched)]);
    const uncorrected = new RulesTrainer(training, {
      ...correctRules,
      biasCorrectionPower1: () => undefined,
      biasCorrectionPower2: () => undefined,
    });
    uncorrected.step();
    expect(check(uncorrected.parameters, 'float32')).not.toEqual([]);
  });
});
