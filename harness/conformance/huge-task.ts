import type { ModelConfig } from '../../impls/contract.ts';
import { parameterCount } from '../task/parameter-layout.ts';
import { PythonRandom } from '../task/python-random.ts';
import type { PreparedTask } from '../task/task.ts';

const DOCUMENTS = 100_000;
const MODEL: ModelConfig = { nEmbd: 16, nHead: 2, nLayer: 1, blockSize: 64, vocabSize: 100 };
const CHARACTERS = MODEL.blockSize - 1;

/**
 * 25 MB of documents that are longer, more and in a larger alphabet than names. It breaks a program that reads its files into
 * arrays of a fixed size, or walks through all of them before it is ready.
 */
export function makeHugeTask(): PreparedTask {
  const random = new PythonRandom(1);
  const bos = MODEL.vocabSize - 1;
  const stride = CHARACTERS + 2;
  const tokens = Int32Array.from({ length: DOCUMENTS * stride }, (_, i) => {
    const place = i % stride;
    return place === 0 || place === stride - 1 ? bos : (i * 7919) % bos;
  });
  const offsets = Int32Array.from({ length: DOCUMENTS + 1 }, (_, d) => d * stride);
  const count = parameterCount(MODEL);
  const parameters = Float64Array.from({ length: count }, () => random.gauss(0, 0.08));
  const shape = { batch: 1, numSteps: 1_000_000, learningRate: 0.001 };
  return {
    description: {
      dataset: { name: 'huge', sha256: '0'.repeat(64), documents: DOCUMENTS },
      ...MODEL,
      parameterCount: count,
      seed: 1,
      ...shape,
    },
    training: { model: MODEL, tokens, offsets, parameters, ...shape },
    characters: Array.from({ length: bos }, (_, i) => String.fromCodePoint(0x4e00 + i)),
    datasetPath: '',
    randomAfterInit: () => random.clone(),
  };
}
