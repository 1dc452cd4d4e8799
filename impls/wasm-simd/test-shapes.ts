import fc from 'fast-check';
import type { ModelConfig } from '../contract.ts';
import { uniform } from '../testing/random-task.ts';

/** For tests only: a model, documents that fit it, and random numbers in [-1, 1). */
export interface TestShape {
  readonly model: ModelConfig;
  /** Positions of each document. */
  readonly documents: readonly number[];
  /** Positions of all documents. */
  readonly columns: number;
  readonly draw: () => number;
}

/** For tests only: 1 to 8 heads, odd vocabularies, blocks of 1 to 40 positions, and one to three documents that fill a block or a part of it. */
export function testShapes(maxDocuments = 3): fc.Arbitrary<TestShape> {
  return fc
    .record({
      nHead: fc.integer({ min: 1, max: 8 }),
      quarterHeadDim: fc.integer({ min: 1, max: 4 }),
      blockSize: fc.oneof(fc.integer({ min: 1, max: 16 }), fc.constantFrom(17, 32, 40)),
      left: fc.array(fc.nat(15), { minLength: 1, maxLength: maxDocuments }),
      vocabSize: fc.integer({ min: 2, max: 31 }),
      seed: fc.integer({ min: 1, max: 0x7fffffff }),
    })
    .map(({ nHead, quarterHeadDim, blockSize, left, vocabSize, seed }) => {
      // nEmbd must be a multiple of 4. With four or eight heads it always is.
      const headDim = nHead % 4 === 0 ? quarterHeadDim : nHead % 2 === 0 ? 2 * quarterHeadDim : 4 * quarterHeadDim;
      const random = uniform(seed);
      const documents = left.map((positions) => Math.max(1, blockSize - positions));
      return {
        model: { nEmbd: nHead * headDim, nHead, nLayer: 1, blockSize, vocabSize },
        documents,
        columns: documents.reduce((sum, positions) => sum + positions),
        draw: () => 2 * random() - 1,
      };
    });
}
