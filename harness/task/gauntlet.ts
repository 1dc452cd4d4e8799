import type { ModelConfig } from '../../impls/contract.ts';
import { type ParameterMatrix, parameterCount, parameterLayout } from './parameter-layout.ts';
import { PythonRandom } from './python-random.ts';
import type { PreparedTask } from './task.ts';
import { layTokens } from './task-of-dataset.ts';

/** A small task that tries what names at the original's size never do. */
export interface GauntletTask {
  /** What it tries, in a few words. */
  readonly name: string;
  readonly task: PreparedTask;
  /** Few where a step is costly: scalar autograd in CPython trains them too. */
  readonly steps: number;
}

/** Short enough to type. */
export const GAUNTLET_SEEDS: number = 2 ** 32;

/**
 * The same tasks for the same seed, which draws widths, heads, documents and rates. Every second width and head is a multiple
 * of 4, so that rows that need vectors of 4 meet most tasks.
 */
export function gauntletTasks(seed: number): readonly GauntletTask[] {
  const random = new PythonRandom(seed);
  const oneOf = <T>(...values: readonly T[]): T => values[random.randbelow(values.length)];
  const between = (low: number, high: number): number => low + random.randbelow(high - low + 1);
  const rate = (): number => 0.002 * 10 ** random.random();
  const task = (name: string, steps: number, sizes: Sizes): GauntletTask => ({
    name,
    steps,
    task: smallTask(seed, random, sizes),
  });
  const wideHead = oneOf(9, 10);
  const schedule = between(40, 44);
  return [
    task('a whole schedule, around a few documents', schedule, {
      nEmbd: 4,
      nHead: oneOf(1, 2),
      nLayer: 1,
      // Longer than eight positions and of changing length, to show what a vector's padding rows keep from one step to the
      // next.
      blockSize: between(12, 16),
      vocabSize: between(4, 6),
      lengths: [5, 2, between(9, 14), 3, between(8, 16), 1, 6],
      batch: 1,
      numSteps: schedule,
      learningRate: rate(),
    }),
    task('several layers, a batch above the number of documents', 2, {
      ...oneOf({ nEmbd: 6, nHead: 3 }, { nEmbd: 8, nHead: 2 }, { nEmbd: 5, nHead: 1 }, { nEmbd: 4, nHead: 1 }),
      nLayer: between(2, 4),
      blockSize: 3,
      vocabSize: between(5, 9),
      lengths: [2, 1, between(2, 4)],
      batch: 4,
      numSteps: between(10, 100),
      learningRate: rate(),
    }),
    task('an uneven width, documents cut at the block', 2, {
      nEmbd: 4 * wideHead,
      nHead: oneOf(1, wideHead),
      nLayer: 1,
      blockSize: 2,
      vocabSize: between(11, 30),
      lengths: [between(3, 9), 1, 2],
      batch: 1,
      numSteps: 3,
      learningRate: rate(),
    }),
    task('blocks of one position, a batch that wraps around', 2, {
      nEmbd: 4 * oneOf(3, 5),
      nHead: oneOf(1, 2),
      nLayer: 1,
      blockSize: 1,
      vocabSize: between(3, 20),
      lengths: [1, 4, 2, 1, 1],
      batch: 3,
      numSteps: between(10, 100),
      learningRate: rate(),
    }),
    task('gradients above 10', 4, {
      nEmbd: 8,
      nHead: oneOf(1, 2),
      nLayer: 1,
      blockSize: 3,
      vocabSize: between(6, 9),
      lengths: [1, 2, 1],
      batch: 1,
      numSteps: between(10, 100),
      learningRate: rate(),
      deviation: ({ name }) => (/mlp_fc[12]$/.test(name) ? 2 : name === 'lm_head' ? 0.15 : 0.3),
    }),
    task('logits and scores beyond what exp can take', 3, {
      nEmbd: 8,
      nHead: oneOf(1, 2),
      nLayer: 1,
      blockSize: 5,
      vocabSize: between(4, 9),
      lengths: [3, 6, 2, 4],
      batch: 2,
      numSteps: between(10, 100),
      learningRate: rate(),
      // What the layers add must not take the height away.
      deviation: ({ name }) => (/attn_wo|mlp_fc2/.test(name) ? 0.05 : 0.3),
      raisesExponents: true,
    }),
    // Adam's ε shows if gradients are not much larger; a relu's derivative at zero shows if units are exactly zero.
    task('gradients near ε, hidden units at zero, rows never used', 5, {
      nEmbd: 8,
      nHead: 2,
      nLayer: 1,
      blockSize: 8,
      vocabSize: between(12, 16),
      lengths: [3, 2, 5],
      batch: 2,
      numSteps: between(10, 100),
      learningRate: 1e-5,
      deviation: ({ name }) => (name === 'lm_head' ? 2e-6 : 0.3),
      zeroUnits: 3,
    }),
  ];
}

interface Sizes extends ModelConfig {
  /** Characters of each document. */
  readonly lengths: readonly number[];
  readonly batch: number;
  readonly numSteps: number;
  readonly learningRate: number;
  /** Of the start parameters of a matrix; 0.3 by default, so that attention is far from uniform. */
  readonly deviation?: (matrix: ParameterMatrix) => number;
  /** So many rows of every mlp_fc1 start at zero. */
  readonly zeroUnits?: number;
  /** Raises all logits and scores by about {@link HEIGHT}, which changes no probability. */
  readonly raisesExponents?: true;
}

function smallTask(seed: number, random: PythonRandom, sizes: Sizes): PreparedTask {
  const { nEmbd, nHead, nLayer, blockSize, vocabSize, lengths, batch, numSteps, learningRate } = sizes;
  const model: ModelConfig = { nEmbd, nHead, nLayer, blockSize, vocabSize };
  const bos = vocabSize - 1;
  const documents = lengths.map((length) => [bos, ...Array.from({ length }, () => random.randbelow(bos)), bos]);
  const parameters = new Float64Array(parameterCount(model));
  for (const matrix of parameterLayout(model)) {
    const { name, rows, columns, offset } = matrix;
    const deviation = sizes.deviation?.(matrix) ?? 0.3;
    const zeros = name.endsWith('mlp_fc1') ? (sizes.zeroUnits ?? 0) * columns : 0;
    for (let i = zeros; i < rows * columns; i++) parameters[offset + i] = random.gauss(0, deviation);
    if (sizes.raisesExponents) raiseExponents(model, matrix, parameters);
  }
  return {
    description: {
      dataset: { name: 'gauntlet', sha256: '0'.repeat(64), documents: documents.length },
      ...model,
      parameterCount: parameters.length,
      batch,
      seed,
      numSteps,
      learningRate,
    },
    training: { model, ...layTokens(documents, blockSize), parameters, batch, numSteps, learningRate },
    characters: Array.from({ length: bos }, (_, i) => String.fromCodePoint(0x61 + i)),
    datasetPath: '',
    randomAfterInit: () => random.clone(),
  };
}

/** Beyond what `exp` can take, in float64 (709) and in float32 (88). */
const HEIGHT = 1_200;
/** Of every position: far above the other features, so that rmsnorm makes it nearly sqrt(n_embd) everywhere. */
const FIRST_FEATURE = 10;

function raiseExponents(
  model: ModelConfig,
  { name, rows, columns, offset }: ParameterMatrix,
  parameters: Float64Array,
) {
  const { nEmbd, nHead } = model;
  const headDim = nEmbd / nHead;
  const raise = (row: number, by: number) => {
    parameters[offset + row * columns] += by;
  };
  if (name === 'wpe') for (let row = 0; row < rows; row++) raise(row, FIRST_FEATURE);
  if (name === 'lm_head') for (let row = 0; row < rows; row++) raise(row, HEIGHT / Math.sqrt(nEmbd));
  if (/attn_w[qk]$/.test(name)) {
    for (let h = 0; h < nHead; h++) raise(h * headDim, Math.sqrt((HEIGHT * Math.sqrt(headDim)) / nEmbd));
  }
}
