import { createHash, randomUUID } from 'node:crypto';
import { lstatSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { endianness } from 'node:os';
import { dirname, join } from 'node:path';
import type { TrainingTask } from '../../impls/contract.ts';
import { cacheFolder } from '../project.ts';
import type { PreparedTask } from '../task/task.ts';

/** Absolute paths: int32, int32 and float64, little-endian. */
interface TaskFiles {
  readonly tokens: string;
  readonly offsets: string;
  readonly parameters: string;
}

/**
 * Writes a task's arrays into the cache under the hash of their bytes; other harnesses may do so at once. A file that is there
 * is compared first, and written anew if a row or a broken disk changed it.
 *
 * @param reader the implementation that reads them: each has files of its own, so that none is blamed for another's damage
 */
export async function writeTaskFiles(training: TrainingTask, reader: string): Promise<TaskFiles> {
  return {
    tokens: await writeWhereNeeded(training.tokens, reader),
    offsets: await writeWhereNeeded(training.offsets, reader),
    parameters: await writeWhereNeeded(training.parameters, reader),
  };
}

/** A row that changed the files would have its next process train on something else. */
export function taskFilesHold({ tokens, offsets, parameters }: TrainingTask, reader: string): boolean {
  return [tokens, offsets, parameters].every((numbers) => holds(pathOf(numbers, reader), numbers));
}

async function writeWhereNeeded(numbers: Int32Array | Float64Array, reader: string): Promise<string> {
  const file = pathOf(numbers, reader);
  if (holds(file, numbers)) return file;
  await mkdir(dirname(file), { recursive: true });
  const unfinished = `${file}.${randomUUID()}`;
  try {
    await writeFile(unfinished, littleEndianBytes(numbers));
    await rename(unfinished, file);
  } finally {
    await rm(unfinished, { force: true });
  }
  return file;
}

const names = new WeakMap<Int32Array | Float64Array, string>();

function pathOf(numbers: Int32Array | Float64Array, reader: string): string {
  return join(cacheFolder('tasks'), reader, nameOf(numbers));
}

/** The hash of its bytes. */
function nameOf(numbers: Int32Array | Float64Array): string {
  const known = names.get(numbers);
  if (known !== undefined) return known;
  const hash = createHash('sha256').update(littleEndianBytes(numbers)).digest('hex').slice(0, 32);
  const name = `${hash}.${numbers instanceof Int32Array ? 'i32' : 'f64'}`;
  names.set(numbers, name);
  return name;
}

/** How a file stood when it was last compared: if nothing touched it, it need not be read again. */
const comparedStamps = new Map<string, string>();

/** Compares the size first, so that nothing endless is read. */
function holds(file: string, numbers: Int32Array | Float64Array): boolean {
  const present = lstatSync(file, { bigint: true, throwIfNoEntry: false });
  if (present?.isFile() !== true || Number(present.size) !== numbers.byteLength) return false;
  const stamp = [present.ino, present.mtimeNs, present.ctimeNs].join(' ');
  if (comparedStamps.get(file) === stamp) return true;
  if (!readFileSync(file).equals(littleEndianBytes(numbers))) return false;
  comparedStamps.set(file, stamp);
  return true;
}

function littleEndianBytes(numbers: Int32Array | Float64Array): Buffer {
  const bytes = Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  if (endianness() === 'LE') return bytes;
  return numbers.BYTES_PER_ELEMENT === 4 ? Buffer.from(bytes).swap32() : Buffer.from(bytes).swap64();
}

export async function taskFlags({ training, description }: PreparedTask, reader: string): Promise<readonly string[]> {
  const { model } = training;
  const files = await writeTaskFiles(training, reader);
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
