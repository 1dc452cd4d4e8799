import { chooseBaselines } from '../measure/baselines.ts';
import { claimResults } from '../measure/claims.ts';
import { type Contender, type ContenderOptions, contenderOf } from '../measure/contender.ts';
import { thisMachine, thisRuntime } from '../measure/machine.ts';
import { calibrate } from '../measure/machine-peak.ts';
import { NoiseWatch } from '../measure/noise.ts';
import type { Pace } from '../measure/pace.ts';
import { type Entry, type RoundLimit, race } from '../measure/race.ts';
import { rowOf } from '../measure/row.ts';
import { availability } from '../program/availability.ts';
import { type DiscoveredImplementation, isBroken } from '../program/discover.ts';
import { entrantsOf } from '../program/entrants.ts';
import type { RuntimeName } from '../program/runtime.ts';
import { readClaims } from '../results/claims.ts';
import { currentCommit } from '../results/commit.ts';
import { type BenchResult, type Machine, type RefusedRow, SCHEMA_VERSION } from '../results/schema.ts';
import { prepareTask } from '../task/prepare-task.ts';
import type { TaskRequest } from '../task/task.ts';
import { type Expectation, expectationOf } from '../verify/expectation.ts';
import type { Progress } from './progress.ts';
import { RaceReporter } from './race-progress.ts';

export interface BenchTaskOptions {
  readonly request: TaskRequest;
  /** Everything discovered: reference and trusted trainer come from here too. */
  readonly all: readonly DiscoveredImplementation[];
  /** The rows of the table, in its order. */
  readonly chosen: readonly DiscoveredImplementation[];
  /** What hosts the TypeScript implementations; the pinned Node where left out. */
  readonly runtimes?: readonly RuntimeName[] | undefined;
  /** Rows or implementations to compare the others with; where none is named, see {@link chooseBaselines}. */
  readonly baselines: readonly string[];
  /** The implementation that was named first. */
  readonly firstNamed?: string | undefined;
  readonly pace: Pace;
  readonly limit: RoundLimit;
  /** Half width over median that the noise report holds the rows against. */
  readonly precision: number;
  readonly peak: Machine['simd128PeakGflops'];
  readonly signal: AbortSignal;
  readonly replyTimeoutMilliseconds?: number;
  readonly progress: Progress;
  /** Called whenever there is something new to keep. */
  readonly onResult: (result: BenchResult) => Promise<void>;
}

/**
 * Benchmarks one task: prepares it, computes what is right, races the implementations, and yields the result.
 * When interrupted during the race, the result holds what was measured until then.
 *
 * @throws UsageError for a task or data set that cannot be trained
 */
export async function benchTask(options: BenchTaskOptions): Promise<BenchResult> {
  const { all, chosen, signal, progress } = options;
  const trainerOptions = { signal, replyTimeoutMilliseconds: options.replyTimeoutMilliseconds };
  const createdAt = new Date().toISOString();
  progress.stage('preparing the task and what is expected of it');
  const commit = await currentCommit();
  const task = await prepareTask(options.request);
  const expectation = await expectationOf(task, all, {
    ...trainerOptions,
    onProgress: (done, steps, source) => progress.status(`reference ${source}: step ${done} of ${steps}`),
  });

  const startOptions = {
    ...trainerOptions,
    budgetSeconds: options.pace.verifyMilliseconds / 1000,
    onStage: progress.stage,
    onStatus: progress.status,
  };
  const reporter = new RaceReporter(progress, options.limit);
  const slots = await lineUp(chosen, options.runtimes, expectation, startOptions);
  const contenders = slots.filter((slot) => slot.kind === 'contender').map(({ contender }) => contender);
  const refused = slots.flatMap((slot) => (slot.kind === 'refused' ? [slot.row] : []));
  const claims = await readClaims(task.description);
  const baselines = chooseBaselines(contenders, options.baselines, options.firstNamed);
  const watch = new NoiseWatch();
  const calibrations: number[] = [];

  const resultOf = (entries: readonly Entry[]): BenchResult => {
    const rows = slots
      .map((slot) => {
        if (slot.kind === 'refused') return slot.row;
        const entry = entries.find(({ contender }) => contender === slot.contender);
        return entry && rowOf(entry, entries, baselines, task.training, options.peak);
      })
      .filter((row) => row !== undefined);
    const noise = watch.report(calibrations, rows, options.precision);
    return {
      schemaVersion: SCHEMA_VERSION,
      createdAt,
      command: process.argv.slice(2),
      ...(commit === undefined ? {} : { commit }),
      task: task.description,
      laps: { seed: task.description.seed, repeated: false, firstDocuments: [] },
      machine: { ...thisMachine(), ...(options.peak === undefined ? {} : { simd128PeakGflops: options.peak }) },
      runtime: thisRuntime(),
      noise: { ...noise, warnings: [...expectation.warnings, ...noise.warnings] },
      baselines: [...baselines],
      claims: [...claimResults(claims, task.training.batch, entries, refused)],
      rows,
    };
  };

  const entries = await race(contenders, {
    stepsKnown: expectation.reference.losses.length,
    batch: task.training.batch,
    baselines: baselines.map(({ row }) => row),
    pace: options.pace,
    limit: options.limit,
    seed: task.description.seed,
    signal,
    onEvent: async (event, current) => {
      if (event.kind === 'round') {
        const microseconds = await calibrate(signal);
        if (microseconds !== undefined) calibrations.push(microseconds);
      }
      reporter.report(event, current);
      if (event.kind === 'sampled' || event.kind === 'verified') await options.onResult(resultOf(current));
    },
  });
  return resultOf(entries);
}

/** A place in the table: one that runs, or one that cannot and says why. */
type Slot =
  | { readonly kind: 'contender'; readonly contender: Contender }
  | { readonly kind: 'refused'; readonly row: RefusedRow };

/** The table's rows in its order, those of several runtimes side by side. */
async function lineUp(
  chosen: readonly DiscoveredImplementation[],
  runtimes: readonly RuntimeName[] | undefined,
  expectation: Expectation,
  options: ContenderOptions,
): Promise<readonly Slot[]> {
  const slots: Slot[] = [];
  for (const implementation of chosen) {
    if (isBroken(implementation)) {
      slots.push({ kind: 'refused', row: brokenRow(implementation.name, implementation.problem) });
      continue;
    }
    for (const entrant of await entrantsOf(implementation, runtimes)) {
      const contender = await contenderOf(entrant, expectation, options);
      const here = await availability(implementation, entrant.runtimeName);
      slots.push(
        here.available
          ? { kind: 'contender', contender }
          : { kind: 'refused', row: { ...contender.identity, status: 'skipped', reason: here.reason } },
      );
    }
  }
  return slots;
}

/** A manifest that cannot be read says nothing of language or precision either. */
function brokenRow(implementation: string, reason: string): RefusedRow {
  return { implementation, language: '?', technique: '?', precision: 'float64', threads: 1, status: 'error', reason };
}
