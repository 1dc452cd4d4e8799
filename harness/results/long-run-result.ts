import { z } from 'zod';
import { machineSchema, runtimeSchema, SCHEMA_VERSION } from './schema.ts';

const positive = z.number().positive();
const tenthSchema = z.strictObject({ microsecondsPerStep: positive, microsecondsPerPosition: positive });
const identity = { implementation: z.string(), preset: z.string() };

/** One implementation in one long run. */
export const longRunRowSchema = z.discriminatedUnion('status', [
  z.strictObject({
    ...identity,
    status: z.literal('verified'),
    run: z.strictObject({
      steps: z.number().int().positive(),
      stepsAsked: z.number().int().positive(),
      stepsVerified: z.number().int().nonnegative(),
      firstTenth: tenthSchema,
      lastTenth: tenthSchema,
      lastOverFirst: positive,
      peakRssBytes: positive.optional(),
    }),
  }),
  z.strictObject({
    ...identity,
    status: z.enum(['mismatch', 'error', 'skipped', 'unsupported']),
    reason: z.string(),
  }),
]);

/** What `bench --long --json` writes. */
export const longRunResultSchema = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  createdAt: z.iso.datetime(),
  command: z.array(z.string()),
  commit: z.string().optional(),
  machine: machineSchema,
  runtime: runtimeSchema,
  longRuns: z.array(longRunRowSchema),
});

export type LongRunRow = z.infer<typeof longRunRowSchema>;
export type LongRunResult = z.infer<typeof longRunResultSchema>;
