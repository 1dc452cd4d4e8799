import { parameterCount } from '../task/parameter-layout.ts';
import { PythonRandom } from '../task/python-random.ts';
import type { PreparedTask } from '../task/task.ts';

/** For tests only: the smallest task there is any sense in, made without reading a file. */
export function smallTask(): PreparedTask {
  const model = { nEmbd: 4, nHead: 2, nLayer: 1, blockSize: 4, vocabSize: 3 };
  const random = new PythonRandom(42);
  const parameters = Float64Array.from({ length: parameterCount(model) }, () => random.gauss(0, 0.08));
  const [batch, numSteps, learningRate] = [1, 100, 0.01];
  return {
    description: {
      dataset: { name: 'small', sha256: '0'.repeat(64), documents: 3 },
      ...model,
      parameterCount: parameters.length,
      batch,
      seed: 42,
      numSteps,
      learningRate,
    },
    training: {
      model,
      tokens: Int32Array.of(2, 0, 1, 2, 2, 1, 2, 2, 0, 0, 1, 2),
      offsets: Int32Array.of(0, 4, 7, 12),
      parameters,
      batch,
      numSteps,
      learningRate,
    },
    characters: ['a', 'b'],
    datasetPath: '',
    randomAfterInit: () => random.clone(),
  };
}
