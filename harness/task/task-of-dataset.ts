import type { ModelConfig, TrainingTask } from '../../impls/contract.ts';
import { UsageError } from '../usage-error.ts';
import type { Dataset } from './dataset.ts';
import { parameterCount } from './parameter-layout.ts';
import { PythonRandom } from './python-random.ts';
import type { PreparedTask, TaskRequest } from './task.ts';
import { tokenizerOf } from './tokenizer.ts';

/** Beyond anything that the reference can train, so that a mistyped flag ends in one line, not in an exhausted machine. */
export const limits = {
  nEmbd: 4096,
  nHead: 4096,
  nLayer: 128,
  blockSize: 8192,
  batch: 65_536,
  numSteps: 1_000_000_000,
  vocabSize: 4096,
  parameters: 2 ** 26,
} as const;

const INITIAL_DEVIATION = 0.08;

/**
 * Draws everything random, in the original's order: the seed, the shuffle, the parameters. Reads no file. @throws {UsageError}
 * for what cannot be trained
 */
export function taskOfDataset(request: TaskRequest, dataset: Dataset): PreparedTask {
  checkSizes(request);
  const { characters, bos, encode } = tokenizerOf(dataset.documents);
  const vocabSize = bos + 1;
  if (vocabSize > limits.vocabSize) {
    throw new UsageError(
      `Data set ${dataset.path} has ${characters.length} different characters: expected at most ${limits.vocabSize - 1}.`,
    );
  }
  const { nEmbd, nHead, nLayer, blockSize, batch, seed, numSteps, learningRate } = request;
  const model: ModelConfig = { nEmbd, nHead, nLayer, blockSize, vocabSize };
  const count = parameterCount(model);
  if (count > limits.parameters) {
    throw new UsageError(
      `These sizes make ${count} parameters: expected at most ${limits.parameters}; lower --n-embd or --n-layer.`,
    );
  }

  const random = new PythonRandom(seed);
  const documents = [...dataset.documents];
  random.shuffle(documents);
  const parameters = Float64Array.from({ length: count }, () => random.gauss(0, INITIAL_DEVIATION));

  return {
    description: {
      preset: request.preset,
      dataset: { name: dataset.name, sha256: dataset.sha256, documents: documents.length },
      ...model,
      parameterCount: count,
      batch,
      seed,
      numSteps,
      learningRate,
    },
    training: { model, ...layTokens(documents.map(encode), blockSize), parameters, batch, numSteps, learningRate },
    characters,
    datasetPath: dataset.path,
    randomAfterInit: () => random.clone(),
  };
}

/** Documents end to end, each cut to its first `blockSize` positions. */
export function layTokens(documents: readonly number[][], blockSize: number): Pick<TrainingTask, 'tokens' | 'offsets'> {
  const cut = documents.map((tokens) => tokens.slice(0, blockSize + 1));
  const offsets = new Int32Array(cut.length + 1);
  for (const [d, tokens] of cut.entries()) offsets[d + 1] = offsets[d] + tokens.length;
  return { tokens: Int32Array.from(cut.flat()), offsets };
}

/** @throws {UsageError} if a size is out of its limits */
export function checkSizes(request: TaskRequest): void {
  for (const [flag, value, limit] of [
    ['--n-embd', request.nEmbd, limits.nEmbd],
    ['--n-head', request.nHead, limits.nHead],
    ['--n-layer', request.nLayer, limits.nLayer],
    ['--block-size', request.blockSize, limits.blockSize],
    ['--batch', request.batch, limits.batch],
    ['--num-steps', request.numSteps, limits.numSteps],
  ] as const) {
    if (!Number.isInteger(value) || value < 1 || value > limit) {
      throw new UsageError(`${flag} must be a whole number from 1 to ${limit}, not ${value}.`);
    }
  }
  if (!Number.isSafeInteger(request.seed)) {
    throw new UsageError(`--seed must be a whole number of at most ${Number.MAX_SAFE_INTEGER}, not ${request.seed}.`);
  }
  if (!(request.learningRate > 0 && Number.isFinite(request.learningRate))) {
    throw new UsageError(`--learning-rate must be a positive number, not ${request.learningRate}.`);
  }
  if (request.nEmbd % request.nHead !== 0) {
    throw new UsageError(`--n-embd ${request.nEmbd} is not divisible by --n-head ${request.nHead}.`);
  }
}
