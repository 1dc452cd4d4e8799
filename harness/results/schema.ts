import { z } from 'zod';
import type { Interval } from '../statistics/median-interval.ts';
import { taskDescriptionSchema } from '../task/task.ts';

/** Raised when the meaning of a stored field changes; older files are refused. */
export const SCHEMA_VERSION = 2;

const positive = z.number().positive();

export type { Interval };
/** A median over rounds with its 95% interval. */
export const intervalSchema: z.ZodType<Interval> = z.strictObject({ median: positive, low: positive, high: positive });

export const peakSchema = z.strictObject({ float32: positive, float64: positive });

const machineSchema = z.strictObject({
  fingerprint: z.string(),
  platform: z.string(),
  architecture: z.string(),
  cpu: z.string(),
  cores: z.number().int().positive(),
  memoryBytes: positive,
  /** Of the operating system: `Linux 6.1.0`. */
  kernel: z.string(),
  /** Multiply-add peak of one core by native code at its widest vectors, measured in this run if there is a C compiler. */
  nativePeakGflops: peakSchema.optional(),
  /** The same by 128-bit SIMD in the runtime of the TypeScript rows: the ceiling of WebAssembly. */
  simd128PeakGflops: peakSchema.optional(),
  /** How many times the multiply-adds of one thread so many do together; only for a table with a row on that many threads. */
  threadsGain: z.strictObject({ threads: z.number().int().min(2), overOne: positive }).optional(),
});

const runtimeSchema = z.strictObject({ name: z.string(), version: z.string(), v8: z.string().optional() });

const identity = {
  implementation: z.string(),
  /** Only if more than one runtime was asked for: `node`, `bun`, `deno`. */
  runtime: z.string().optional(),
  language: z.string(),
  technique: z.string(),
  precision: z.enum(['float32', 'float64']),
  /** By its manifest; `coresUsed` is measured. */
  threads: z.number().int().positive(),
};

/** What a row was made of, so that it can be made again. */
const origin = {
  /** SHA-256 over the files of its folder, by their paths in it. */
  sourceHash: z.string().length(64),
  tools: z.record(z.string(), z.string()),
  /** Without the words that the compiler refused. */
  build: z.array(z.string()).optional(),
};

/** A row that was timed, after every one of its losses was verified. */
export const verifiedRowSchema = z.strictObject({
  ...identity,
  ...origin,
  status: z.literal('verified'),
  /** Every timed step: a second process of the row gave the same loss, to the last bit. */
  stepsVerified: z.number().int().positive(),
  /** Of these, steps whose loss and update were checked from the row's own state. */
  stepsForced: z.number().int().positive(),
  /** Largest error of any such step, over what rounding allows; at most 1. */
  fractionOfBound: z.number().nonnegative(),
  microsecondsPerSample: intervalSchema,
  /** One figure a process, the median of its laps, in the order the processes ran. */
  roundsMicrosecondsPerSample: z.array(positive),
  /** Indexes into the rounds that lie far from the others; marked, never dropped. */
  outlierRounds: z.array(z.number().int().nonnegative()),
  /** Documents timed in one lap; its first step is not timed. */
  samplesPerLap: z.number().int().positive(),
  /** Documents timed, over all rounds and laps. */
  samplesMeasured: z.number().int().positive(),
  steady: z.boolean(),
  /** By the name of the baseline: how many times faster, by round, over the documents both trained on. */
  speedup: z.record(z.string(), intervalSchema),
  gflops: positive.optional(),
  /** Of the native peak of one core at the row's precision. */
  fractionOfPeak: positive.optional(),
  /** Of the peak of 128-bit SIMD, for rows whose runtime has no wider vectors. */
  fractionOfSimd128Peak: positive.optional(),
  /** Processor time of all its threads and processes over elapsed time. */
  coresUsed: positive.optional(),
  startupMilliseconds: positive,
  buildMilliseconds: positive.optional(),
  peakRssBytes: positive.optional(),
});

/** Of a row that may not be timed, and why. */
const refusal = { status: z.enum(['mismatch', 'error', 'skipped', 'unsupported']), reason: z.string() };
const refusedRowSchema = z.strictObject({ ...identity, ...refusal });

const rowSchema = z.discriminatedUnion('status', [verifiedRowSchema, refusedRowSchema]);

const noiseSchema = z.strictObject({
  loadAverage: z.number().nonnegative().optional(),
  stealFraction: z.number().nonnegative().optional(),
  governor: z.string().optional(),
  /** Fixed code of the harness, timed once a round, and the spread of its times (median absolute deviation over median). */
  calibratorMicroseconds: z.array(positive),
  calibratorSpread: z.number().nonnegative().optional(),
  warnings: z.array(z.string()),
});

/** A row that the others' ratios are over. */
const baselineSchema = z.strictObject({
  row: z.string(),
  role: z.enum(['python-baseline', 'scalar-baseline']).optional(),
});

/** A published sentence, "FASTER is so many times faster than SLOWER", and what our two rows gave. */
const claimResultSchema = z.strictObject({
  claim: z.string(),
  published: positive,
  faster: z.string(),
  slower: z.string(),
  /** Their ratio by round, over the documents both trained on. */
  here: z.strictObject({ ratio: intervalSchema, is: z.enum(['higher', 'lower', 'within']).optional() }).optional(),
  /** Why there is no ratio. */
  missing: z.string().optional(),
});

/** What the laps began with: nobody could know it before the run. `bench --like` repeats it. */
const lapsSchema = z.strictObject({
  /** Of the order of the rows in each round, and of the laps. */
  seed: z.number().int().nonnegative(),
  /** True if another run's laps were repeated: a row could have kept their losses. */
  repeated: z.boolean(),
  /** Of every timed lap, round by round; the same for all rows. */
  firstDocuments: z.array(z.array(z.number().int().nonnegative())),
});

export const benchResultSchema = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  createdAt: z.iso.datetime(),
  /** As they were typed, without the program's name. */
  command: z.array(z.string()),
  /** With `-dirty` if files differ from it. */
  commit: z.string().optional(),
  task: taskDescriptionSchema,
  laps: lapsSchema,
  machine: machineSchema,
  runtime: runtimeSchema,
  noise: noiseSchema,
  /** While it runs, and if it was interrupted: `bench --resume` continues it. */
  unfinished: z.literal(true).optional(),
  /** From the first round until all of it ended, by the harness's clock: what `--budget` limits. */
  roundsSeconds: z.number().nonnegative().optional(),
  baselines: z.array(baselineSchema),
  claims: z.array(claimResultSchema).default([]),
  rows: z.array(rowSchema),
});

export type VerifiedRow = z.infer<typeof verifiedRowSchema>;
export type ClaimResult = z.infer<typeof claimResultSchema>;
export type RefusedRow = z.infer<typeof refusedRowSchema>;
export type RowIdentity = Pick<RefusedRow, keyof typeof identity>;
export type Baseline = z.infer<typeof baselineSchema>;
export type Row = z.infer<typeof rowSchema>;
export type Noise = z.infer<typeof noiseSchema>;
export type Laps = z.infer<typeof lapsSchema>;
export type Machine = z.infer<typeof machineSchema>;
export type Runtime = z.infer<typeof runtimeSchema>;
export type BenchResult = z.infer<typeof benchResultSchema>;

export function isVerified(row: Row): row is VerifiedRow {
  return row.status === 'verified';
}

/** True for a row that went wrong; false for one that could not run here. */
export function isFailure({ status }: { readonly status: string }): boolean {
  return status === 'mismatch' || status === 'error';
}

/** One tensor of the first step; `maxError` is null if an entry is not finite. */
const tensorFindingSchema = z.strictObject({
  tensor: z.string(),
  maxError: z.number().nonnegative().nullable(),
  tolerance: z.number().nonnegative(),
  agrees: z.boolean(),
});

/** What `check --json` prints. */
export const checkResultSchema = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  task: taskDescriptionSchema,
  /** Of the random tasks; `--gauntlet-seed` repeats them. */
  gauntletSeed: z.number().int().nonnegative().optional(),
  reference: z.strictObject({
    /** `golden`, or the name of the implementation that ran. */
    source: z.string(),
    losses: z.array(z.number()),
  }),
  results: z.array(
    z.strictObject({
      implementation: z.string(),
      runtime: z.string().optional(),
      status: z.enum(['verified', 'mismatch', 'error', 'skipped', 'unsupported']),
      reason: z.string().optional(),
      losses: z.array(z.number().nullable()),
      stepsVerified: z.number().int().nonnegative(),
      maxLossError: z.number().nonnegative().nullable(),
      tolerance: positive.nullable(),
      firstMismatch: z
        .strictObject({ step: z.number().int().positive(), expected: z.number(), actual: z.number().nullable() })
        .optional(),
      /** Largest error over what rounding allows; only if verified. */
      fractionOfBound: z.number().nonnegative().optional(),
      /** How many it trained, and the names of those that its manifest excludes. */
      randomTasks: z.strictObject({ trained: z.number().int(), declined: z.array(z.string()) }).optional(),
      samples: z.array(z.string()).optional(),
      diagnosis: z.array(z.string()).optional(),
      /** With `--gradients`, if the implementation stores them: of the first step's loss. */
      gradients: z.array(tensorFindingSchema).optional(),
      /** With `--parameters`: after the first step. */
      parameters: z.array(tensorFindingSchema).optional(),
    }),
  ),
});
export type CheckResult = z.infer<typeof checkResultSchema>;

/** Timed pieces of a long run, all of one length. A tenth is ten pieces. */
export const PIECES = 100;

const longRunIdentity = { implementation: z.string(), preset: z.string() };
const tenthSchema = z.strictObject({ microsecondsPerStep: positive, microsecondsPerPosition: positive });

const longRunRowSchema = z.discriminatedUnion('status', [
  z.strictObject({
    ...longRunIdentity,
    status: z.literal('verified'),
    run: z.strictObject({
      /** As many as whole pieces of those asked for; fewer if the row is too slow. */
      steps: z.number().int().positive(),
      stepsAsked: z.number().int().positive(),
      stepsVerified: z.number().int().nonnegative(),
      firstTenth: tenthSchema,
      lastTenth: tenthSchema,
      /** Cost of a position, for the documents of the two tenths differ a little in length: near 1 if a step costs the same at the end. */
      lastOverFirst: positive,
      peakRssBytes: positive.optional(),
    }),
  }),
  z.strictObject({ ...longRunIdentity, ...refusal }),
]);

/** What `bench --long --json` writes. */
const longRunResultSchema = benchResultSchema
  .pick({ schemaVersion: true, createdAt: true, command: true, commit: true, machine: true, runtime: true })
  .extend({ longRuns: z.array(longRunRowSchema) });

export type LongRunRow = z.infer<typeof longRunRowSchema>;
export type LongRunResult = z.infer<typeof longRunResultSchema>;
