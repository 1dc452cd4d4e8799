import type { TrainingTask } from '../../impls/contract.ts';

/** For tests: a task with enough documents to draw laps from, all of 7 positions. */
export function hundredDocuments(): TrainingTask {
  return {
    model: { nEmbd: 16, nHead: 4, nLayer: 1, blockSize: 16, vocabSize: 27 },
    tokens: new Int32Array(800),
    offsets: Int32Array.from({ length: 101 }, (_, document) => 8 * document),
    parameters: new Float64Array(4192),
    batch: 1,
    numSteps: 1000,
    learningRate: 0.01,
  };
}
