import { lstatSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import type { PreparedTask } from '../task/task.ts';

/** A task as files, for one process alone: what it does to them reaches no other. */
export interface TaskFiles {
  /** The flags of the protocol. */
  readonly flags: readonly string[];
  /** Whether the files are as they were written. */
  hold(): boolean;
}

/**
 * Writes a task's arrays, little-endian int32, int32 and float64.
 * @param folder absolute, and there; another task in it needs another name, since a program may still have the first one's open
 */
export async function writeTaskFiles(
  { training, description }: PreparedTask,
  folder: string,
  name = 'task',
): Promise<TaskFiles> {
  const { model, tokens, offsets, parameters } = training;
  const files = Object.entries({ tokens, offsets, parameters }).map(([flag, numbers]) => ({
    flag,
    path: join(folder, `${name}.${flag}`),
    numbers,
  }));
  for (const { path, numbers } of files) await writeFile(path, littleEndianBytes(numbers));
  const written = files.map(({ path }) => stamp(path));
  const flags = {
    ...Object.fromEntries(files.map(({ flag, path }) => [flag, path])),
    'vocab-size': model.vocabSize,
    'n-embd': model.nEmbd,
    'n-head': model.nHead,
    'n-layer': model.nLayer,
    'block-size': model.blockSize,
    batch: training.batch,
    'num-steps': training.numSteps,
    'learning-rate': training.learningRate,
    seed: description.seed,
  };
  return {
    flags: Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)]),
    hold: () => files.every(({ path, numbers }, i) => stamp(path) === written[i] || holds(path, numbers)),
  };
}

/** How a file stands: while that is the same, it need not be read again. */
function stamp(path: string): string | undefined {
  const present = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return present?.isFile() ? [present.ino, present.mtimeNs, present.ctimeNs].join(' ') : undefined;
}

/** Compares the size first, so that nothing endless is read. */
function holds(path: string, numbers: Int32Array | Float64Array): boolean {
  const present = lstatSync(path, { throwIfNoEntry: false });
  return (
    present?.isFile() === true &&
    present.size === numbers.byteLength &&
    readFileSync(path).equals(littleEndianBytes(numbers))
  );
}

function littleEndianBytes(numbers: Int32Array | Float64Array): Buffer {
  const bytes = Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  if (endianness() === 'LE') return bytes;
  return numbers.BYTES_PER_ELEMENT === 4 ? Buffer.from(bytes).swap32() : Buffer.from(bytes).swap64();
}
