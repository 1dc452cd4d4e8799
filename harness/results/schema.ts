import { z } from 'zod';
import type { Interval } from '../statistics/median-interval.ts';

/** Raised whenever the meaning of a stored field changes; older files are refused, never guessed at. */
export const SCHEMA_VERSION = 2;

const positive = z.number().positive();

export type { Interval };
/** A median over rounds with its 95% interval. */
export const intervalSchema: z.ZodType<Interval> = z.strictObject({ median: positive, low: positive, high: positive });

export const taskDescriptionSchema = z.strictObject({
  preset: z.string().optional(),
  dataset: z.strictObject({ name: z.string(), sha256: z.string().length(64), documents: z.number().int().positive() }),
  nEmbd: z.number().int().positive(),
  nHead: z.number().int().positive(),
  nLayer: z.number().int().positive(),
  blockSize: z.number().int().positive(),
  vocabSize: z.number().int().positive(),
  parameterCount: z.number().int().positive(),
  batch: z.number().int().positive(),
  seed: z.number().int(),
  numSteps: z.number().int().positive(),
  learningRate: positive,
});

export const machineSchema = z.strictObject({
  fingerprint: z.string(),
  platform: z.string(),
  architecture: z.string(),
  cpu: z.string(),
  cores: z.number().int().positive(),
  memoryBytes: positive,
  /** Multiply-add peak of one core by 128-bit SIMD, measured in this run. */
  peakGflops: z.strictObject({ float32: positive, float64: positive }).optional(),
});

export const runtimeSchema = z.strictObject({ name: z.string(), version: z.string(), v8: z.string().optional() });

const identity = {
  implementation: z.string(),
  /** Only where more than one runtime was asked for: `node`, `bun`, `deno`. */
  runtime: z.string().optional(),
  language: z.string(),
  technique: z.string(),
  precision: z.enum(['float32', 'float64']),
};

/** A row that was timed: every one of its losses was verified first. */
export const verifiedRowSchema = z.strictObject({
  ...identity,
  status: z.literal('verified'),
  stepsVerified: z.number().int().positive(),
  maxLossError: z.number().nonnegative(),
  tolerance: positive,
  microsecondsPerSample: intervalSchema,
  /** One figure a process: the median of its laps. In the order the processes ran. */
  roundsMicrosecondsPerSample: z.array(positive),
  /** Indexes into the rounds that lie far from the others; marked, never dropped. */
  outlierRounds: z.array(z.number().int().nonnegative()),
  /** Documents in one lap; each lap starts from the start parameters. */
  samplesPerLap: z.number().int().positive(),
  /** Documents timed, over all rounds and laps. */
  samplesMeasured: z.number().int().positive(),
  steady: z.boolean(),
  /** How many times faster than each baseline that was timed: ratios by round, over the documents both trained on. Keys are names of rows. */
  speedup: z.record(z.string(), intervalSchema),
  gflops: positive.optional(),
  fractionOfPeak: positive.optional(),
  startupMilliseconds: positive,
  buildMilliseconds: positive.optional(),
  peakRssBytes: positive.optional(),
});

/** A row that may not be timed, and why. It has no time and no speedup to print. */
export const refusedRowSchema = z.strictObject({
  ...identity,
  status: z.enum(['mismatch', 'error', 'skipped', 'unsupported']),
  reason: z.string(),
  maxLossError: z.number().nonnegative().optional(),
  tolerance: positive.optional(),
});

export const rowSchema = z.discriminatedUnion('status', [verifiedRowSchema, refusedRowSchema]);

/** What was seen of the machine while the rounds ran. */
export const noiseSchema = z.strictObject({
  loadAverage: z.number().nonnegative().optional(),
  stealFraction: z.number().nonnegative().optional(),
  governor: z.string().optional(),
  /** Calibrator's time per sample, one figure a round, and how far apart they lie (median absolute deviation over median). */
  calibratorMicroseconds: z.array(positive),
  calibratorSpread: z.number().nonnegative().optional(),
  warnings: z.array(z.string()),
});

/** A row that the others' ratios are over, and its role where its manifest gives it one. */
export const baselineSchema = z.strictObject({
  row: z.string(),
  role: z.enum(['python-baseline', 'scalar-baseline']).optional(),
});

export const benchResultSchema = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  createdAt: z.iso.datetime(),
  commit: z.string().optional(),
  task: taskDescriptionSchema,
  machine: machineSchema,
  runtime: runtimeSchema,
  noise: noiseSchema,
  /** The first is the headline's. */
  baselines: z.array(baselineSchema),
  rows: z.array(rowSchema),
});

export type VerifiedRow = z.infer<typeof verifiedRowSchema>;
export type RefusedRow = z.infer<typeof refusedRowSchema>;
export type Baseline = z.infer<typeof baselineSchema>;
export type Row = z.infer<typeof rowSchema>;
export type Noise = z.infer<typeof noiseSchema>;
export type Machine = z.infer<typeof machineSchema>;
export type Runtime = z.infer<typeof runtimeSchema>;
export type BenchResult = z.infer<typeof benchResultSchema>;

/** One tensor of the first step against the reference's; `maxError` is null where an entry is not finite. */
export const tensorFindingSchema = z.strictObject({
  tensor: z.string(),
  maxError: z.number().nonnegative().nullable(),
  tolerance: z.number().nonnegative(),
  agrees: z.boolean(),
});

const checkIdentity = { implementation: z.string(), runtime: z.string().optional() };

/** The outcome of verification for one implementation, as `check --json` prints it. */
export const checkResultSchema = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  task: taskDescriptionSchema,
  reference: z.strictObject({
    /** `golden`, or the name of the implementation that was run on the spot. */
    source: z.string(),
    losses: z.array(z.number()),
  }),
  results: z.array(
    z.strictObject({
      ...checkIdentity,
      status: z.enum(['verified', 'mismatch', 'error', 'skipped', 'unsupported']),
      reason: z.string().optional(),
      losses: z.array(z.number().nullable()),
      stepsVerified: z.number().int().nonnegative(),
      maxLossError: z.number().nonnegative().nullable(),
      tolerance: positive.nullable(),
      firstMismatch: z
        .strictObject({ step: z.number().int().positive(), expected: z.number(), actual: z.number().nullable() })
        .optional(),
      samples: z.array(z.string()).optional(),
      diagnosis: z.array(z.string()).optional(),
      /** With `--gradients`: of the first step's loss. Left out where the implementation never stores gradients. */
      gradients: z.array(tensorFindingSchema).optional(),
      /** With `--parameters`: after the first step. */
      parameters: z.array(tensorFindingSchema).optional(),
    }),
  ),
});
export type CheckResult = z.infer<typeof checkResultSchema>;
