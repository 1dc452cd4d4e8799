import { createHash, randomUUID } from 'node:crypto';
import { lstat, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import type { TrainingTask } from '../../impls/contract.ts';
import { cacheFolder } from '../project.ts';
import type { PreparedTask } from '../task/task.ts';

/** Absolute paths of the files a program reads its task from: int32, int32 and float64, little-endian. */
export interface TaskFiles {
  readonly tokens: string;
  readonly offsets: string;
  readonly parameters: string;
}

/**
 * Writes a task's arrays into the cache under the hash of their bytes; safe with other harnesses beside this one. A file that
 * is there already is read first: what a row or a broken disk changed is written anew.
 */
export async function writeTaskFiles(training: TrainingTask): Promise<TaskFiles> {
  return {
    tokens: await writeWhereNeeded(training.tokens, 'i32'),
    offsets: await writeWhereNeeded(training.offsets, 'i32'),
    parameters: await writeWhereNeeded(training.parameters, 'f64'),
  };
}

async function writeWhereNeeded(numbers: Int32Array | Float64Array, ending: string): Promise<string> {
  const bytes = littleEndianBytes(numbers);
  const folder = cacheFolder('tasks');
  const file = join(folder, `${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}.${ending}`);
  if (await holds(file, bytes)) return file;
  await mkdir(folder, { recursive: true });
  const unfinished = `${file}.${randomUUID()}`;
  try {
    await writeFile(unfinished, bytes);
    await rename(unfinished, file);
  } finally {
    await rm(unfinished, { force: true });
  }
  return file;
}

/** Whether a regular file has exactly these bytes; the size is compared first, so that nothing endless is read. */
async function holds(file: string, bytes: Uint8Array): Promise<boolean> {
  const present = await lstat(file).catch(() => undefined);
  if (present?.isFile() !== true || present.size !== bytes.byteLength) return false;
  return (await readFile(file)).equals(bytes);
}

function littleEndianBytes(numbers: Int32Array | Float64Array): Uint8Array {
  const bytes = Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  if (endianness() === 'LE') return bytes;
  return numbers.BYTES_PER_ELEMENT === 4 ? Buffer.from(bytes).swap32() : Buffer.from(bytes).swap64();
}

/** The flags of protocol version 1, as every program gets them. */
export async function taskFlags({ training, description }: PreparedTask): Promise<readonly string[]> {
  const { model } = training;
  const files = await writeTaskFiles(training);
  const flags = {
    '--tokens': files.tokens,
    '--offsets': files.offsets,
    '--parameters': files.parameters,
    '--vocab-size': model.vocabSize,
    '--n-embd': model.nEmbd,
    '--n-head': model.nHead,
    '--n-layer': model.nLayer,
    '--block-size': model.blockSize,
    '--batch': training.batch,
    '--num-steps': training.numSteps,
    '--learning-rate': training.learningRate,
    '--seed': description.seed,
  };
  return Object.entries(flags).flatMap(([flag, value]) => [flag, String(value)]);
}
