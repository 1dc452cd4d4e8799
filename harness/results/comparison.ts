import { z } from 'zod';
import { taskDescriptionSchema } from '../task/task.ts';
import { intervalSchema, type RefusedRow, SCHEMA_VERSION } from './schema.ts';

/** Head's time over base's: above 1 head is slower. */
const ratio = intervalSchema;

/** Path of its manifest in the repository, for annotations; missing for stored results. */
const manifestPath = z.string().optional();

export const verdictSchema = z.enum(['regression', 'improvement', 'no change', 'inconclusive']);

const comparedRowSchema = z.strictObject({
  implementation: z.string(),
  manifest: manifestPath,
  status: z.literal('compared'),
  verdict: verdictSchema,
  reason: z.string(),
  ratio,
  /** Base against itself in the same rounds; not for stored results. */
  control: ratio.optional(),
  /** The longer rounds that must confirm a suspected regression. */
  confirmation: z.strictObject({ ratio, control: ratio, rounds: z.number().int().positive() }).optional(),
  rounds: z.number().int().positive(),
  microsecondsPerSample: z.strictObject({ base: z.number().positive(), head: z.number().positive() }),
});

/**
 * An implementation without times to compare, and why. `wrong`, `broken` and `unreadable` name the side; `lost`: base is right
 * and head no longer runs here; `repaired`: the reverse; `unchanged`: both sides run from the same files.
 */
const uncomparedRowSchema = z.strictObject({
  implementation: z.string(),
  manifest: manifestPath,
  status: z.enum(['wrong', 'broken', 'unreadable', 'lost', 'removed', 'skipped', 'added', 'repaired', 'unchanged']),
  side: z.enum(['base', 'head']),
  reason: z.string(),
});

const comparisonRowSchema = z.discriminatedUnion('status', [comparedRowSchema, uncomparedRowSchema]);

const side = z.strictObject({
  /** As the person named it: a revision, `working tree`, or a file. */
  name: z.string(),
  commit: z.string().optional(),
});

export const comparisonSchema = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  createdAt: z.iso.datetime(),
  /** `paired`: both ran side by side just now. `stored`: figures of earlier runs, which is weaker evidence. */
  evidence: z.enum(['paired', 'stored']),
  base: side,
  head: side,
  /** Smallest change that matters, as a fraction. */
  threshold: z.number().positive(),
  task: taskDescriptionSchema,
  rows: z.array(comparisonRowSchema),
  /** What a reader must know to weigh the verdicts. */
  notes: z.array(z.string()),
});

export type Side = z.infer<typeof uncomparedRowSchema>['side'];
export type ComparedRow = z.infer<typeof comparedRowSchema>;
export type UncomparedRow = z.infer<typeof uncomparedRowSchema>;
export type ComparisonRow = z.infer<typeof comparisonRowSchema>;
export type Comparison = z.infer<typeof comparisonSchema>;

/** What a refused row makes of its side. */
export const sideOfRefusal = {
  mismatch: 'wrong',
  error: 'broken',
  skipped: 'skipped',
  unsupported: 'skipped',
} as const satisfies Record<RefusedRow['status'], UncomparedRow['status']>;
