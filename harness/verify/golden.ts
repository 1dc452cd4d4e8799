import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { displayPath, projectRoot, restoring } from '../project.ts';
import { messageOf, parseJson, readRegularFile } from '../regular-file.ts';
import { type TaskDescription, taskDescriptionSchema } from '../task/task.ts';
import { UsageError } from '../usage-error.ts';
import { sha256 } from './cached-json.ts';

const LARGEST_GOLDEN_BYTES = 64 * 2 ** 20;

/** Where `npm run golden` writes. */
export const goldenFolder: string = join(projectRoot, 'reference', 'golden');

const float64Base64 = z
  .base64()
  .transform((text) => Buffer.from(text, 'base64'))
  .refine((bytes) => bytes.length % 8 === 0, 'expected a whole number of float64 values')
  .transform((bytes) => Float64Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readDoubleLE(8 * i)));

const goldenTensorSchema = z.strictObject({
  name: z.string(),
  rows: z.number().int().positive(),
  columns: z.number().int().positive(),
  /** Over all entries; `norm` is the square root of the sum of squares. */
  sum: z.number(),
  norm: z.number().nonnegative(),
  /**
   * Entries 0, stride, 2·stride, … of the flat matrix; stride is 1 unless the matrix is large. In the file, base64 of
   * little-endian float64: half as long as decimal numbers and as exact.
   */
  stride: z.number().int().positive(),
  values: float64Base64,
});

const goldenSchema = taskDescriptionSchema.omit({ preset: true, parameterCount: true }).extend({
  schemaVersion: z.literal(1),
  dataset: taskDescriptionSchema.shape.dataset.omit({ documents: true }),
  /** The interpreter that computed this: `cpython 3.11.7`. */
  python: z.string(),
  /** Of every step from the first on, before its update; may be fewer than `numSteps`. */
  losses: z.array(z.number()).min(1),
  /** Of the first step's loss, one entry a matrix, in the order of the parameter layout. */
  gradients: z.array(goldenTensorSchema),
  /** Drawn after all `numSteps`; empty if `losses` has fewer. */
  samples: z.array(z.string()),
});

export type Golden = z.infer<typeof goldenSchema>;
/** As in the file, without its seal: the `sha256` of all else in it. */
export type GoldenFile = z.input<typeof goldenSchema>;

const sealedSchema = z
  .looseObject({ sha256: z.string() })
  // One wrong digit would else only be taken for chaos.
  .refine(({ sha256: seal, ...content }) => seal === sha256(content), {
    path: ['sha256'],
    error: 'not that of the rest, so something in it was changed',
  })
  .transform(({ sha256: _, ...content }) => content)
  .pipe(goldenSchema);

const decisive = ['nEmbd', 'nHead', 'nLayer', 'blockSize', 'batch', 'seed', 'numSteps', 'learningRate'] as const;

/** The trace of exactly this task, or undefined. @throws {UsageError} if a golden file is damaged */
export async function findGolden(task: TaskDescription): Promise<Golden | undefined> {
  for (const file of await readdir(goldenFolder)) {
    if (!file.endsWith('.json')) continue;
    const golden = await readGolden(join(goldenFolder, file));
    const isSameData = golden.dataset.sha256 === task.dataset.sha256;
    if (isSameData && decisive.every((name) => golden[name] === task[name])) return golden;
  }
  return undefined;
}

/** @throws {UsageError} if the file is no golden trace */
export async function readGolden(path: string): Promise<Golden> {
  try {
    return parseJson((await readRegularFile(path, LARGEST_GOLDEN_BYTES)).toString('utf8'), sealedSchema);
  } catch (error) {
    const why = messageOf(error);
    throw new UsageError(
      `${displayPath(path)}: no golden trace (${why}); ${restoring(path)}, or remove it if it does not belong there`,
    );
  }
}
