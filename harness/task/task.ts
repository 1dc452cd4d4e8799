import { z } from 'zod';
import type { TrainingTask } from '../../impls/contract.ts';
import type { PythonRandom } from './python-random.ts';

/** What the flags ask for, before any file is read. */
export interface TaskRequest {
  /** Undefined if no preset has these sizes. */
  readonly preset?: string | undefined;
  readonly nEmbd: number;
  readonly nHead: number;
  readonly nLayer: number;
  readonly blockSize: number;
  readonly batch: number;
  readonly seed: number;
  readonly numSteps: number;
  readonly learningRate: number;
  /** `us-names-2016`, `names`, or the path of a text file with one document a line. */
  readonly dataset: string;
}

/** A task in words and numbers: equal descriptions mean comparable figures. */
export const taskDescriptionSchema = z.strictObject({
  preset: z.string().optional(),
  dataset: z.strictObject({ name: z.string(), sha256: z.string().length(64), documents: z.number().int().positive() }),
  nEmbd: z.number().int().positive(),
  nHead: z.number().int().positive(),
  nLayer: z.number().int().positive(),
  blockSize: z.number().int().positive(),
  vocabSize: z.number().int().positive(),
  parameterCount: z.number().int().positive(),
  batch: z.number().int().positive(),
  seed: z.number().int(),
  numSteps: z.number().int().positive(),
  learningRate: z.number().positive(),
});
export type TaskDescription = z.infer<typeof taskDescriptionSchema>;

export interface PreparedTask {
  readonly description: TaskDescription;
  readonly training: TrainingTask;
  /** Sorted characters; the id of a character is its index, BOS is `characters.length`. */
  readonly characters: readonly string[];
  /** For the Python reference. */
  readonly datasetPath: string;
  /** A copy of Python's generator as it stands after the parameters were drawn: samples draw from it next. */
  readonly randomAfterInit: () => PythonRandom;
}
