import { expect, test } from 'vitest';
import { smallTask } from '../testing/small-task.ts';
import { describeSupports, supportsSchema, supportsTask } from './supports.ts';

// nEmbd 4, nHead 2, nLayer 1, blockSize 4, batch 1
const { training } = smallTask();

test.each([
  [undefined, true],
  [[{}], true],
  [[{ nEmbd: { multipleOf: 4 } }], true],
  [[{ headDim: { multipleOf: 4 } }], false],
  [[{ headDim: { multipleOf: 4 } }, { batch: { max: 1 } }], true],
  [[{ nEmbd: { min: 4 }, batch: { min: 2 } }], false],
  [[{ blockSize: { min: 2, max: 4 }, nHead: { min: 2 }, nLayer: { max: 1 } }], true],
])('%j supports the small task: %s', (supports, expected) => {
  expect(supportsTask(supports && supportsSchema.parse(supports), training)).toBe(expected);
});

test('is told in words', () => {
  const supports = [{ nEmbd: { multipleOf: 4 }, batch: { min: 2 } }, { blockSize: { min: 2, max: 8 } }];
  expect(describeSupports(supports)).toBe(
    'n_embd a multiple of 4, batch at least 2; or block_size at least 2 and at most 8',
  );
});
