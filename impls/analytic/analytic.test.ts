import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createNaiveTrainer } from '../naive-oracle.ts';
import { randomTask } from '../random-task.ts';
import createTrainer from './analytic.ts';

const largestDifference = (a: Float64Array, b: Float64Array): number =>
  a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i])), 0);

test('losses, gradients and parameters agree with the naive oracle for any shape', () => {
  fc.assert(
    fc.property(randomTask(), (task) => {
      const expected = createNaiveTrainer(task);
      const actual = createTrainer(task);
      expect(largestDifference(actual.gradients(), expected.gradients())).toBeLessThan(1e-12);
      expect(largestDifference(actual.train(3), expected.train(3))).toBeLessThan(1e-10);
      expect(largestDifference(actual.parameters(), expected.parameters())).toBeLessThan(1e-8);
    }),
    { numRuns: 60 },
  );
});

test('reset goes back to the start, and reading gradients changes nothing', () => {
  fc.assert(
    fc.property(randomTask({ maxHeads: 2, maxLayers: 1 }), (task) => {
      const trainer = createTrainer(task);
      const first = trainer.train(3);
      trainer.reset();
      expect(trainer.parameters()).toEqual(task.parameters);
      const second = [trainer.train(1)[0], 0, 0];
      trainer.gradients();
      second.splice(1, 2, ...trainer.train(2));
      expect(Float64Array.from(second)).toEqual(first);
    }),
    { numRuns: 10 },
  );
});
