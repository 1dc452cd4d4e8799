import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { pinnedNode } from '../program/runtime.ts';
import type { Machine } from '../results/schema.ts';

const peakSchema = z.strictObject({ float32: z.number().positive(), float64: z.number().positive() });

/** The multiply-add peak of one core of this machine, measured now; undefined where its runtime has no 128-bit SIMD. */
export async function measureMachinePeak(signal: AbortSignal): Promise<Machine['simd128PeakGflops']> {
  const output = await runPeakProgram([], signal);
  return output === undefined ? undefined : peakSchema.parse(JSON.parse(output));
}

/** How long fixed code of the harness takes on this machine just now, in microseconds; undefined where it cannot run. */
export async function calibrate(signal: AbortSignal): Promise<number | undefined> {
  const output = await runPeakProgram(['calibrate'], signal);
  return output === undefined ? undefined : z.number().positive().parse(JSON.parse(output));
}

async function runPeakProgram(words: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  const program = join(import.meta.dirname, 'simd-peak-program.ts');
  const result = await execa(pinnedNode(), [program, ...words], {
    reject: false,
    timeout: 20_000,
    cancelSignal: signal,
  });
  return result.failed ? undefined : result.stdout;
}
