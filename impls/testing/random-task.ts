import fc from 'fast-check';
import type { ModelConfig, TrainingTask } from '../contract.ts';

/** For tests only: bounds of the tasks that {@link randomTask} draws. */
export interface TaskBounds {
  /** `nEmbd / nHead` is a multiple of this. */
  readonly headDimMultipleOf?: number;
  readonly maxHeads?: number;
  readonly maxLayers?: number;
  readonly maxBatch?: number;
}

const parameterCount = ({ nEmbd, nLayer, blockSize, vocabSize }: ModelConfig): number =>
  (2 * vocabSize + blockSize) * nEmbd + nLayer * 12 * nEmbd * nEmbd;

/**
 * For tests only: tasks of every shape, with random documents. The parameters spread so widely (±0.5) that
 * attention and softmax are far from uniform.
 */
export function randomTask({
  headDimMultipleOf = 1,
  maxHeads = 8,
  maxLayers = 4,
  maxBatch = 3,
}: TaskBounds = {}): fc.Arbitrary<TrainingTask> {
  return fc
    .record({
      nHead: fc.integer({ min: 1, max: maxHeads }),
      headDim: fc.integer({ min: 1, max: Math.max(1, Math.floor(5 / headDimMultipleOf)) }),
      nLayer: fc.integer({ min: 1, max: maxLayers }),
      blockSize: fc.integer({ min: 1, max: 16 }),
      vocabSize: fc.integer({ min: 2, max: 31 }),
      batch: fc.integer({ min: 1, max: maxBatch }),
      documents: fc.integer({ min: 1, max: 4 }),
      seed: fc.integer({ min: 1, max: 0x7fffffff }),
    })
    .map(({ nHead, headDim, nLayer, blockSize, vocabSize, batch, documents, seed }) => {
      const nEmbd = nHead * headDim * headDimMultipleOf;
      const model = { nEmbd, nHead, nLayer, blockSize, vocabSize };
      const random = uniform(seed);
      const tokens: number[] = [];
      const offsets = [0];
      for (let i = 0; i < documents; i++) {
        const positions = 1 + Math.floor(random() * blockSize);
        const ids = Array.from({ length: positions }, () => Math.floor(random() * vocabSize));
        tokens.push(vocabSize - 1, ...ids);
        offsets.push(tokens.length);
      }
      return {
        model,
        tokens: Int32Array.from(tokens),
        offsets: Int32Array.from(offsets),
        parameters: Float64Array.from({ length: parameterCount(model) }, () => random() - 0.5),
        batch,
        numSteps: 100,
        learningRate: 0.01,
      };
    });
}

/** For tests only: numbers in [0, 1) by Marsaglia's xorshift32 from one seed. So a counterexample prints as one number. */
export function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
