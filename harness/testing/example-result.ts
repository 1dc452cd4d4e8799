import {
  type BenchResult,
  benchResultSchema,
  type RefusedRow,
  SCHEMA_VERSION,
  type VerifiedRow,
} from '../results/schema.ts';

/** For tests: a timed row with every optional figure, changed as told. */
export function verifiedRow(change: Partial<VerifiedRow> = {}): VerifiedRow {
  return {
    implementation: 'fast',
    language: 'TypeScript',
    technique: 'tape-free',
    precision: 'float64',
    threads: 1,
    status: 'verified',
    stepsVerified: 1000,
    stepsForced: 300,
    fractionOfBound: 0.02,
    sourceHash: 'a'.repeat(64),
    tools: { node: '26.10.0' },
    microsecondsPerSample: { median: 50, low: 49, high: 52 },
    roundsMicrosecondsPerSample: [50, 49, 52],
    outlierRounds: [],
    samplesPerLap: 1000,
    samplesMeasured: 30_000,
    steady: true,
    speedup: { python: { median: 4000, low: 3900, high: 4100 }, scalar: { median: 80, low: 78, high: 82 } },
    startupMilliseconds: 60,
    peakRssBytes: 50_000_000,
    ...change,
  };
}

/** For tests: a row that may not be timed. */
export function refusedRow(change: Partial<RefusedRow> = {}): RefusedRow {
  return {
    implementation: 'wrong',
    language: 'TypeScript',
    technique: 'forgetful',
    precision: 'float64',
    threads: 1,
    status: 'mismatch',
    reason: 'step 2: expected 3.4, got 3.5',
    ...change,
  };
}

/** For tests: a result that the schema accepts. */
export function benchResult(change: Partial<BenchResult> = {}): BenchResult {
  return benchResultSchema.parse({
    schemaVersion: SCHEMA_VERSION,
    createdAt: '2026-01-02T03:04:05.000Z',
    command: ['bench'],
    commit: 'c0ffee',
    laps: { seed: 7, repeated: false, firstDocuments: [[17, 4], [9]] },
    task: {
      preset: 'd16',
      dataset: { name: 'us-names-2016', sha256: '0'.repeat(64), documents: 32_868 },
      nEmbd: 16,
      nHead: 4,
      nLayer: 1,
      blockSize: 16,
      vocabSize: 27,
      parameterCount: 4192,
      batch: 1,
      seed: 42,
      numSteps: 1000,
      learningRate: 0.01,
    },
    machine: {
      fingerprint: 'f',
      platform: 'linux',
      architecture: 'x64',
      cpu: 'Some CPU',
      cores: 2,
      memoryBytes: 8e9,
      kernel: 'Linux 6.1.0',
    },
    runtime: { name: 'node', version: '26.10.0' },
    noise: { calibratorMicroseconds: [50, 51, 50], warnings: [] },
    baselines: [
      { row: 'python', role: 'python-baseline' },
      { row: 'scalar', role: 'scalar-baseline' },
    ],
    rows: [verifiedRow(), refusedRow()],
    ...change,
  });
}
