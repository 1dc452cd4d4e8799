import { z } from 'zod';
import type { TrainingTask } from '../../impls/contract.ts';

const range = z.strictObject({
  min: z.number().int().positive().optional(),
  max: z.number().int().positive().optional(),
  multipleOf: z.number().int().positive().optional(),
});
type Range = z.infer<typeof range>;

/** `headDim` is `nEmbd / nHead`. */
const sizes = z.enum(['nEmbd', 'nHead', 'headDim', 'nLayer', 'blockSize', 'batch']);

/** Sizes that an implementation trains: those of any entry. It may decline only what lies outside. */
export const supportsSchema = z.array(z.partialRecord(sizes, range)).min(1);
type Supports = z.infer<typeof supportsSchema>;

export function supportsTask(supports: Supports | undefined, { model, batch }: TrainingTask): boolean {
  if (supports === undefined) return true;
  const values: Readonly<Record<string, number>> = { ...model, headDim: model.nEmbd / model.nHead, batch };
  return supports.some((alternative) =>
    Object.entries(alternative).every(([size, { min = 1, max = Number.POSITIVE_INFINITY, multipleOf = 1 }]) => {
      const value = values[size];
      return value >= min && value <= max && value % multipleOf === 0;
    }),
  );
}

/** In words: `n_embd a multiple of 4, batch at least 2; or …`. */
export function describeSupports(supports: Supports): string {
  return supports
    .map((alternative) =>
      Object.entries(alternative)
        .map(
          ([size, range]) =>
            `${size.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`)} ${describeRange(range)}`,
        )
        .join(', '),
    )
    .join('; or ');
}

function describeRange({ min, max, multipleOf }: Range): string {
  return [
    min === undefined ? undefined : `at least ${min}`,
    max === undefined ? undefined : `at most ${max}`,
    multipleOf === undefined ? undefined : `a multiple of ${multipleOf}`,
  ]
    .filter((part) => part !== undefined)
    .join(' and ');
}
