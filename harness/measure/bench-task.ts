import { randomInt } from 'node:crypto';
import { availability, runtimesOf } from '../program/availability.ts';
import { type DiscoveredImplementation, isBroken } from '../program/discover.ts';
import { threadsHere } from '../program/manifest.ts';
import { ownWaiting } from '../program/process-usage.ts';
import type { RuntimeName } from '../program/runtime.ts';
import { supportsTask } from '../program/supports.ts';
import { DEFAULT_REPLY_TIMEOUT_MILLISECONDS, flopsPerStep } from '../program/trainer-process.ts';
import { currentCommit } from '../results/commit.ts';
import { rowName, taskDifference } from '../results/names.ts';
import { readClaims } from '../results/published.ts';
import { resumeFault } from '../results/resumed.ts';
import { type BenchResult, SCHEMA_VERSION } from '../results/schema.ts';
import { prepareTask } from '../task/prepare-task.ts';
import type { TaskRequest } from '../task/task.ts';
import { UsageError } from '../usage-error.ts';
import { CPYTHON_FLOPS_PER_SECOND, type Expectation, expectationOf } from '../verify/expectation.ts';
import { Teacher } from '../verify/teacher.ts';
import { type ContenderOptions, contenderOf } from './contender.ts';
import { type Entry, isRacing } from './entry.ts';
import { gauntletSeedOf } from './gauntlet-seed.ts';
import { calibrate, measureMachinePeaks, thisMachine, thisRuntime } from './machine.ts';
import type { NoiseWatch } from './noise.ts';
import { type Pace, paceOfSize } from './pace.ts';
import { type RaceEvent, race } from './race.ts';
import type { RoundLimit } from './round-limit.ts';
import { chooseBaselines, claimResults, rowOf } from './row.ts';
import { TimeBudget } from './time-budget.ts';

interface BenchTaskOptions {
  readonly request: TaskRequest;
  /** Everything discovered, the reference and the trusted trainer among it. */
  readonly all: readonly DiscoveredImplementation[];
  /** In the order of the table. */
  readonly chosen: readonly DiscoveredImplementation[];
  /** Of the TypeScript implementations; the pinned Node by default. */
  readonly runtimes?: readonly RuntimeName[] | undefined;
  /** Rows or implementations to compare the others with; by default see {@link chooseBaselines}. */
  readonly baselines: readonly string[];
  readonly firstNamed?: string | undefined;
  /** By default what suits the size. */
  readonly pace?: Pace | undefined;
  readonly limit: RoundLimit;
  /** Half width over median, for the warnings about noise. */
  readonly precision: number;
  /** A result whose laps are run again. */
  readonly like?: BenchResult | undefined;
  /** An interrupted run, which this one continues. */
  readonly resumed?: BenchResult | undefined;
  /** From the first round until everything ends; one row gets at most half of it. */
  readonly roundsMilliseconds?: number | undefined;
  /** The machine as it was before the tool began to work. */
  readonly watch: NoiseWatch;
  readonly signal: AbortSignal;
  readonly replyTimeoutMilliseconds?: number | undefined;
  /** What begins and may take long. */
  readonly onStage: (text: string) => void;
  /** Progress, in a few words. */
  readonly onStatus: (text: string) => void;
  readonly onEvent: (event: RaceEvent, entries: readonly Entry[]) => void;
  /** Called whenever there is something new to keep. */
  readonly onResult: (result: BenchResult) => Promise<void>;
}

/** What a row may take to be verified: four silences (`--timeout`), and the time that CPython needs for so many steps. */
const VERIFICATION_SILENCES = 4;
const VERIFICATION_STEPS = 30;

const REPEATED_LAPS =
  'the laps are those of another run (--like): a row could have kept their losses, so the times are only as honest as the rows';

/**
 * Prepares one task, computes what is right, races the implementations, and returns the result: if interrupted, with the rounds
 * that were checked. @throws UsageError for a task that cannot be trained
 */
export async function benchTask(options: BenchTaskOptions): Promise<BenchResult> {
  const { all, chosen, like, resumed, onStage, onStatus } = options;
  onStage('preparing the task');
  const task = await prepareTask(options.request);
  const { replyTimeoutMilliseconds = DEFAULT_REPLY_TIMEOUT_MILLISECONDS } = options;
  const stepInCpython = (1000 * flopsPerStep(task)) / CPYTHON_FLOPS_PER_SECOND;
  const { pace = paceOfSize(stepInCpython) } = options;
  const verification = VERIFICATION_SILENCES * replyTimeoutMilliseconds + VERIFICATION_STEPS * stepInCpython;
  using budget = new TimeBudget({ verification, rounds: options.roundsMilliseconds }, options.signal);
  const { signal } = budget;
  const createdAt = new Date().toISOString();
  const seed = like?.laps.seed ?? randomInt(2 ** 32);
  const difference = like && taskDifference(like.task, task.description);
  if (difference !== undefined) throw new UsageError(`--like: got a result of another task (${difference})`);
  onStage('measuring the peak of one core');
  const threads = chosen.map((one) =>
    !isBroken(one) && supportsTask(one.manifest.supports, task.training) ? threadsHere(one.manifest) : 1,
  );
  const peaks = await measureMachinePeaks(Math.max(...threads), signal);
  onStage('preparing what is expected of the task');
  let commit = await currentCommit();
  const expectation = await expectationOf(task, all, {
    signal,
    replyTimeoutMilliseconds,
    onProgress: (done, steps, source) => onStatus(`reference ${source}: step ${done} of ${steps}`),
  });
  const start = await lineUp(chosen, options.runtimes, expectation, {
    replyTimeoutMilliseconds,
    budgetSeconds: pace.verifyMilliseconds / 1000,
    scoutMilliseconds: pace.scoutMilliseconds,
    gauntletSeed: gauntletSeedOf(seed),
    signal,
    onStage,
    onStatus,
  });
  const contenders = start.flatMap((entry) => (entry.status === 'waiting' ? [entry.contender] : []));
  const fault =
    resumed &&
    resumeFault(resumed, {
      task: task.description,
      commit,
      machine: thisMachine(),
      runtime: thisRuntime(),
      sources: new Map(contenders.map(({ identity, origin }) => [rowName(identity), origin.sourceHash])),
    });
  if (fault !== undefined) throw new UsageError(`--resume: got ${fault}; expected all as it was; run it anew`);
  const baselines = chooseBaselines(contenders, options.baselines, options.firstNamed);
  const warnings = [...(like === undefined ? [] : [REPEATED_LAPS]), ...expectation.warnings];
  const claims = await readClaims(task.description).catch((error) => {
    // A run does not depend on others' figures.
    if (!(error instanceof UsageError)) throw error;
    warnings.push(`published claims are left out: ${error.message}`);
    return [];
  });
  const calibrations: number[] = [];

  const resultOf = (entries: readonly Entry[], firstDocuments: readonly (readonly number[])[]): BenchResult => {
    const rows = entries
      .map((entry) => rowOf(entry, entries, baselines, task.training, peaks))
      .filter((row) => row !== undefined);
    const noise = options.watch.report(calibrations, rows, options.precision);
    return {
      schemaVersion: SCHEMA_VERSION,
      createdAt,
      command: process.argv.slice(2),
      ...(commit === undefined ? {} : { commit }),
      task: task.description,
      laps: { seed, repeated: like !== undefined, firstDocuments: firstDocuments.map((round) => [...round]) },
      machine: { ...thisMachine(), ...peaks },
      runtime: thisRuntime(),
      noise: {
        ...noise,
        warnings: [...warnings, ...noise.warnings],
      },
      roundsSeconds: budget.elapsedMilliseconds / 1000,
      baselines: [...baselines],
      claims: [...claimResults(claims, task.training.batch, entries)],
      rows,
    };
  };

  const { entries, firstDocuments } = await race(start, {
    task: task.training,
    pace,
    limit: options.limit,
    seed,
    repeated: like && {
      firstDocuments: like.laps.firstDocuments,
      lapSteps: new Map(
        like.rows.flatMap((row) =>
          row.status === 'verified' ? [[rowName(row), 1 + row.samplesPerLap / task.training.batch]] : [],
        ),
      ),
    },
    usedDocuments: resumed?.laps.firstDocuments.flat(),
    forcedStepMilliseconds: forcedStepMilliseconds(expectation),
    peaks,
    signal,
    budget,
    onEvent: async (event, current, taken) => {
      if (event.kind === 'round') {
        const microseconds = await calibrate(signal);
        if (microseconds !== undefined) calibrations.push(microseconds);
      }
      // Saved first: who reads "round 1 done" can rely on it.
      if (event.kind === 'round' || event.kind === 'verified') await options.onResult(resultOf(current, taken));
      options.onEvent(event, current);
    },
  });
  const commitAfter = await currentCommit();
  if (commitAfter !== commit) {
    warnings.push(
      `the project was at ${commit ?? 'no commit'} when the run began and at ${commitAfter ?? 'no commit'} when it ended: the result is kept under neither`,
    );
    commit = undefined;
  }
  return resultOf(budget.isOver ? entries.map(untimed) : entries, firstDocuments);
}

/** No row is left out of the table: one that the time did not reach says so. */
function untimed(entry: Entry): Entry {
  if (!('contender' in entry) || (isRacing(entry) && entry.samples.length > 0)) return entry;
  const reason = 'the time of the run was over before it was timed; give --budget more, or leave out slow rows';
  return { ...entry.contender.identity, status: 'error', reason };
}

/** The table's rows in its order; one that cannot run here says why. */
async function lineUp(
  chosen: readonly DiscoveredImplementation[],
  runtimes: readonly RuntimeName[] | undefined,
  expectation: Expectation,
  options: ContenderOptions,
): Promise<readonly Entry[]> {
  const rows = chosen.map(async (implementation): Promise<readonly Entry[]> => {
    if (isBroken(implementation)) {
      const { name, problem } = implementation;
      // A manifest that cannot be read does not say these.
      const unknown = { language: '?', technique: '?', precision: 'float64', threads: 1 } as const;
      return [{ implementation: name, ...unknown, status: 'error', reason: problem }];
    }
    return Promise.all(
      runtimesOf(implementation, runtimes).map(async (runtime): Promise<Entry> => {
        const contender = await contenderOf(implementation, expectation, { ...options, runtime });
        const here = await availability(implementation, runtime, options.signal);
        return here.available
          ? { status: 'waiting', contender }
          : { ...contender.identity, status: 'skipped', reason: here.reason };
      }),
    );
  });
  return (await Promise.all(rows)).flat();
}

const STEPS_TO_TIME = 3;
/** Both clocks are read at different moments. */
const SHORTEST_STEP_MILLISECONDS = 0.01;

/** What the float64 model needs to check one step. */
export function forcedStepMilliseconds({ task: { training } }: Pick<Expectation, 'task'>): number {
  const teacher = new Teacher(training, 'float64');
  let parameters = training.parameters;
  let fastest = Number.POSITIVE_INFINITY;
  for (let step = 0; step < STEPS_TO_TIME; step++) {
    const [started, waited] = [performance.now(), ownWaiting()];
    parameters = teacher.predict(parameters).after;
    // Busy machines would get laps too short to show a lie.
    fastest = Math.min(fastest, performance.now() - started - (ownWaiting() - waited) / 1e6);
  }
  return Math.max(fastest, SHORTEST_STEP_MILLISECONDS);
}
