import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomTask } from '../../impls/testing/random-task.ts';
import { largestDifference } from '../../impls/testing/trainer-contract.ts';
import { modelGradient } from '../diagnose/model-gradient.ts';
import { correctRules } from '../diagnose/training-rules.ts';
import { Float64Model } from './float64-model.ts';

test('loss and gradient are those of the plain model, for any shape and any first document', () => {
  fc.assert(
    fc.property(randomTask(), fc.nat(9), (task, first) => {
      const { model, tokens, offsets, parameters, batch } = task;
      const documents = offsets.length - 1;
      const gradient = new Float64Array(parameters.length);
      const plain = modelGradient(model, correctRules, parameters, gradient);
      let loss = 0;
      for (let b = 0; b < batch; b++) {
        const d = (first + b) % documents;
        const document = plain(tokens.subarray(offsets[d], offsets[d + 1]), 1 / batch);
        document.addGradient();
        loss += document.loss / batch;
      }
      const fast = new Float64Model(task);
      fast.lossAt(parameters, first + 1);
      expect(Math.abs(fast.lossAt(parameters, first) - loss)).toBeLessThan(1e-13);
      const largest = gradient.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
      expect(largestDifference(fast.gradient, gradient)).toBeLessThan(1e-13 * (1 + largest));
    }),
  );
});

test('a unit whose input is nothing but zeros is not in doubt; one that rounding may tip is, and can be flipped', () => {
  const [task] = fc.sample(randomTask({ maxHeads: 1, maxLayers: 1, maxBatch: 1 }), { seed: 3, numRuns: 1 });
  const fast = new Float64Model(task);
  const fc1 = fast.layout.find(({ name }) => name === 'layer0.mlp_fc1');
  if (fc1 === undefined) throw new Error('no mlp_fc1');
  const parameters = task.parameters.slice();
  parameters.fill(0, fc1.offset, fc1.offset + fc1.columns);
  fast.lossAt(parameters, 0, [], 2 ** -24);
  expect(fast.doubtful.filter(({ unit }) => unit === 0)).toEqual([]);
  // So coarse a rounding may tip anything but zero.
  fast.lossAt(parameters, 0, [], 1);
  expect(fast.doubtful.length).toBeGreaterThan(0);
  const before = fast.gradient.slice();
  fast.lossAt(parameters, 0, [fast.doubtful[0]]);
  expect(fast.gradient).not.toEqual(before);
});
