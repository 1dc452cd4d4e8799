import { describe, expect, it } from 'vitest';
import { averageMatrixFlops, matrixWeights } from './work-of-step.ts';

const original = { nEmbd: 16, nHead: 4, nLayer: 1, blockSize: 16, vocabSize: 27 };
const task = {
  model: original,
  tokens: new Int32Array(0),
  offsets: Int32Array.of(0, 5, 14),
  parameters: new Float64Array(0),
  batch: 1,
  numSteps: 1000,
  learningRate: 0.01,
};

describe('the work of a step', () => {
  it('counts the 3,504 weights of the original that multiply activations, and no embedding', () => {
    expect(matrixWeights(original)).toBe(3504);
    expect(matrixWeights({ ...original, nLayer: 2 })).toBe(3504 + 12 * 256);
  });

  it('is three passes of one multiplication and one addition for each weight and position of an average document', () => {
    expect(averageMatrixFlops({ ...task, tokens: new Int32Array(14) })).toBe(3 * 2 * 3504 * 6);
  });
});
