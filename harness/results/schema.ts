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

const peakSchema = z.strictObject({ float32: positive, float64: positive });

export const machineSchema = z.strictObject({
  fingerprint: z.string(),
  platform: z.string(),
  architecture: z.string(),
  cpu: z.string(),
  cores: z.number().int().positive(),
  memoryBytes: positive,
  /** Of the operating system: `Linux 6.1.0`. */
  kernel: z.string(),
  /** Multiply-add peak of one core by native code at its widest vectors, measured in this run where there is a C compiler. */
  nativePeakGflops: peakSchema.optional(),
  /** The same by 128-bit SIMD in the runtime that hosts TypeScript rows: the ceiling of WebAssembly. */
  simd128PeakGflops: peakSchema.optional(),
});

export const runtimeSchema = z.strictObject({ name: z.string(), version: z.string(), v8: z.string().optional() });

const identity = {
  implementation: z.string(),
  /** Only where more than one runtime was asked for: `node`, `bun`, `deno`. */
  runtime: z.string().optional(),
  language: z.string(),
  technique: z.string(),
  precision: z.enum(['float32', 'float64']),
  /** Threads that it computes on, as its manifest says; `coresUsed` is what was measured. */
  threads: z.number().int().positive(),
};

/** What a row was made of, so that it can be made again. */
const origin = {
  /** SHA-256 over the files of its folder, by their paths in it. */
  sourceHash: z.string().length(64),
  /** What the compilers, interpreters and libraries that it needs say of their versions. */
  tools: z.record(z.string(), z.string()),
  /** The words of its build, flags among them, less those that the compiler refused. */
  build: z.array(z.string()).optional(),
};

/** A row that was timed: every one of its losses was verified first. */
export const verifiedRowSchema = z.strictObject({
  ...identity,
  ...origin,
  status: z.literal('verified'),
  /** Steps whose loss a second process of the row gave too, to the last bit: every step that was timed is among them. */
  stepsVerified: z.number().int().positive(),
  /** Of these, steps whose loss and update were checked from the row's own state. */
  stepsForced: z.number().int().positive(),
  /** Largest error of any such step, over what rounding allows; at most 1. */
  fractionOfBound: z.number().nonnegative(),
  microsecondsPerSample: intervalSchema,
  /** One figure a process: the median of its laps. In the order the processes ran. */
  roundsMicrosecondsPerSample: z.array(positive),
  /** Indexes into the rounds that lie far from the others; marked, never dropped. */
  outlierRounds: z.array(z.number().int().nonnegative()),
  /** Documents timed in one lap; each lap starts from the start parameters, and its first step is not timed. */
  samplesPerLap: z.number().int().positive(),
  /** Documents timed, over all rounds and laps. */
  samplesMeasured: z.number().int().positive(),
  steady: z.boolean(),
  /** How many times faster than each baseline that was timed: ratios by round, over the documents both trained on. Keys are names of rows. */
  speedup: z.record(z.string(), intervalSchema),
  gflops: positive.optional(),
  /** GFLOP/s over the machine's native peak of one core at the row's precision. */
  fractionOfPeak: positive.optional(),
  /** The same over the peak of 128-bit SIMD, for rows that run in a runtime where that is the widest. */
  fractionOfSimd128Peak: positive.optional(),
  /** Processor time of all its threads and processes over elapsed time, while timed. */
  coresUsed: positive.optional(),
  startupMilliseconds: positive,
  buildMilliseconds: positive.optional(),
  peakRssBytes: positive.optional(),
});

/** A row that may not be timed, and why. It has no time and no speedup to print. */
export const refusedRowSchema = z.strictObject({
  ...identity,
  status: z.enum(['mismatch', 'error', 'skipped', 'unsupported']),
  reason: z.string(),
});

export const rowSchema = z.discriminatedUnion('status', [verifiedRowSchema, refusedRowSchema]);

/** What was seen of the machine while the rounds ran. */
export const noiseSchema = z.strictObject({
  loadAverage: z.number().nonnegative().optional(),
  stealFraction: z.number().nonnegative().optional(),
  governor: z.string().optional(),
  /** Time of the calibrator, which is fixed code of the harness, one figure a round, and how far apart they lie (median absolute deviation over median). */
  calibratorMicroseconds: z.array(positive),
  calibratorSpread: z.number().nonnegative().optional(),
  warnings: z.array(z.string()),
});

/** A row that the others' ratios are over, and its role where its manifest gives it one. */
export const baselineSchema = z.strictObject({
  row: z.string(),
  role: z.enum(['python-baseline', 'scalar-baseline']).optional(),
});

/** A published sentence, "FASTER is so many times faster than SLOWER", and what our two rows that answer it gave. */
export const claimResultSchema = z.strictObject({
  claim: z.string(),
  /** The published factor. */
  published: positive,
  /** Names of our implementations. */
  faster: z.string(),
  slower: z.string(),
  /** Their ratio by round, over the documents both trained on, and how it stands to the published factor. */
  here: z.strictObject({ ratio: intervalSchema, is: z.enum(['higher', 'lower', 'within']).optional() }).optional(),
  /** Why there is no ratio. */
  missing: z.string().optional(),
});

/** What the laps began with: nobody could know it before the run. `bench --like` repeats it. */
export const lapsSchema = z.strictObject({
  /** Of the order of the rows in each round, and of the laps that are drawn. */
  seed: z.number().int().nonnegative(),
  /** True where another run's laps were repeated: a row could have kept their losses. */
  repeated: z.boolean(),
  /** First document of every timed lap, round by round: the n-th lap of all rows of a round begins with the same one. */
  firstDocuments: z.array(z.array(z.number().int().nonnegative())),
});

export const benchResultSchema = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  createdAt: z.iso.datetime(),
  /** The words after the program's name, as they were typed. */
  command: z.array(z.string()),
  /** With `-dirty` behind it where files differ from it. */
  commit: z.string().optional(),
  task: taskDescriptionSchema,
  laps: lapsSchema,
  machine: machineSchema,
  runtime: runtimeSchema,
  noise: noiseSchema,
  /** While it runs, and where it was interrupted: `bench --resume` goes on from its rounds. */
  unfinished: z.literal(true).optional(),
  /** The first is the headline's. */
  baselines: z.array(baselineSchema),
  /** What others have published about this model, beside what was measured here. */
  claims: z.array(claimResultSchema).default([]),
  rows: z.array(rowSchema),
});

export type VerifiedRow = z.infer<typeof verifiedRowSchema>;
export type ClaimResult = z.infer<typeof claimResultSchema>;
export type RefusedRow = z.infer<typeof refusedRowSchema>;
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
  /** Of the random tasks; `--gauntlet-seed` repeats them. */
  gauntletSeed: z.number().int().nonnegative().optional(),
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
      /** Largest error over what rounding allows, of every loss and every updated parameter; only where verified. */
      fractionOfBound: z.number().nonnegative().optional(),
      /** How many of the random tasks it trained, and the names of those that its manifest excludes. */
      randomTasks: z.strictObject({ trained: z.number().int(), declined: z.array(z.string()) }).optional(),
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

const longRunIdentity = { implementation: z.string(), preset: z.string() };
const tenthSchema = z.strictObject({ microsecondsPerStep: positive, microsecondsPerPosition: positive });

/** One implementation in one long run. */
export const longRunRowSchema = z.discriminatedUnion('status', [
  z.strictObject({
    ...longRunIdentity,
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
    ...longRunIdentity,
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
