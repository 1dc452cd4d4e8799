import { mkdir, writeFile } from 'node:fs/promises';
import { endianness } from 'node:os';
import { resolve } from 'node:path';
import type { TrainingTask } from '../../impls/contract.ts';

/** Absolute paths of a task's numbers, as the line protocol hands them over. */
export interface TaskFiles {
  /** int32, little-endian. */
  readonly tokens: string;
  /** int32, little-endian. */
  readonly offsets: string;
  /** float64, little-endian. */
  readonly parameters: string;
}

/** Writes the task's numbers into `folder`, which is made where it is missing. */
export async function writeTaskFiles(training: TrainingTask, folder: string): Promise<TaskFiles> {
  const files: TaskFiles = {
    tokens: resolve(folder, 'tokens.i32'),
    offsets: resolve(folder, 'offsets.i32'),
    parameters: resolve(folder, 'parameters.f64'),
  };
  await mkdir(folder, { recursive: true });
  await Promise.all([
    writeFile(files.tokens, littleEndianBytes(training.tokens)),
    writeFile(files.offsets, littleEndianBytes(training.offsets)),
    writeFile(files.parameters, littleEndianBytes(training.parameters)),
  ]);
  return files;
}

/** The flags that tell a program which task to train; see `impls/README.md`. */
export function taskFlags(files: TaskFiles, training: TrainingTask, seed: number): string[] {
  const { model, batch, numSteps, learningRate } = training;
  const flags = {
    '--tokens': files.tokens,
    '--offsets': files.offsets,
    '--parameters': files.parameters,
    '--vocab-size': model.vocabSize,
    '--n-embd': model.nEmbd,
    '--n-head': model.nHead,
    '--n-layer': model.nLayer,
    '--block-size': model.blockSize,
    '--batch': batch,
    '--num-steps': numSteps,
    '--learning-rate': learningRate,
    // Python's generator ignores the sign of a seed, and a word such as -7 reads as a flag to many a parser.
    '--seed': Math.abs(seed),
  };
  return Object.entries(flags).flatMap(([flag, value]) => [flag, String(value)]);
}

function littleEndianBytes(numbers: Int32Array | Float64Array): Uint8Array {
  const bytes = Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  if (endianness() === 'LE') return bytes;
  return numbers.BYTES_PER_ELEMENT === 4 ? Buffer.from(bytes).swap32() : Buffer.from(bytes).swap64();
}
