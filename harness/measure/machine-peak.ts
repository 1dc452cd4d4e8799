import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { pinnedNode } from '../program/runtime.ts';
import type { Machine } from '../results/schema.ts';

const peakSchema = z.strictObject({ float32: z.number().positive(), float64: z.number().positive() });

/** The multiply-add peak of one core of this machine, measured now; undefined where its runtime has no 128-bit SIMD. */
export async function measureMachinePeak(signal: AbortSignal): Promise<Machine['simd128PeakGflops']> {
  const program = join(import.meta.dirname, 'simd-peak-program.ts');
  const result = await execa(pinnedNode(), [program], { reject: false, timeout: 20_000, cancelSignal: signal });
  return result.failed ? undefined : peakSchema.parse(JSON.parse(result.stdout));
}
