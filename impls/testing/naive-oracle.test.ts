import fc from 'fast-check';
import { expect, test } from 'vitest';
import { naiveLossAndGradients } from './naive-oracle.ts';
import { randomTask } from './random-task.ts';

test("the oracle's gradients are the central finite differences of its loss", () => {
  const tasks = randomTask({ maxHeads: 3, maxLayers: 2 }).chain((task) =>
    fc.record({
      task: fc.constant(task),
      indexes: fc.uniqueArray(fc.nat(task.parameters.length - 1), { minLength: 20, maxLength: 40 }),
    }),
  );
  fc.assert(
    fc.property(tasks, ({ task, indexes }) => {
      const { gradients } = naiveLossAndGradients(task, task.parameters, 0);
      const lossWith = (index: number, delta: number) =>
        naiveLossAndGradients(task, task.parameters.with(index, task.parameters[index] + delta), 0).loss;
      const delta = 1e-6;
      for (const index of indexes) {
        const difference = (lossWith(index, delta) - lossWith(index, -delta)) / (2 * delta);
        expect(Math.abs(gradients[index] - difference)).toBeLessThan(1e-6);
      }
    }),
    { numRuns: 15 },
  );
});
