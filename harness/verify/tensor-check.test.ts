import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parameterLayout } from '../task/parameter-layout.ts';
import { smallTask } from '../testing/small-task.ts';
import { checkTensors } from './tensor-check.ts';

const { training } = smallTask();
const layout = parameterLayout(training.model);
const anyEntry = fc.nat({ max: training.parameters.length - 1 });
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
