import { availability } from '../implementation/availability.ts';
import { type DiscoveredImplementation, type Implementation, isBroken, withRole } from '../implementation/discover.ts';
import { startTrainer } from '../implementation/trainer-process.ts';
import type { Contender } from '../measure/contender.ts';
import { thisMachine, thisRuntime } from '../measure/machine.ts';
import { NoiseWatch } from '../measure/noise.ts';
import type { Pace } from '../measure/pace.ts';
import { type Entry, isRacing, type RoundLimit, race } from '../measure/race.ts';
import { rowOf } from '../measure/row.ts';
import type { Progress } from '../present/progress.ts';
import { reportRaceEvent } from '../present/race-report.ts';
import { currentCommit } from '../results/commit.ts';
import { type BenchResult, type Machine, type RefusedRow, type Row, SCHEMA_VERSION } from '../results/schema.ts';
import { prepareTask } from '../task/prepare-task.ts';
import type { TaskRequest } from '../task/task.ts';
import { type Expectation, expectationOf } from '../verify/expectation.ts';
import { verifyLosses } from '../verify/gate.ts';

export interface BenchTaskOptions {
  readonly request: TaskRequest;
  /** Everything discovered: reference, trusted trainer and calibrator come from here too. */
  readonly all: readonly DiscoveredImplementation[];
  /** The rows of the table, in its order. */
  readonly chosen: readonly DiscoveredImplementation[];
  readonly pace: Pace;
  readonly limit: RoundLimit;
  /** Half width over median that the noise report holds the rows against. */
  readonly precision: number;
  readonly peak: Machine['peakGflops'];
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
  const commit = await currentCommit();
  const task = await prepareTask(options.request);
  const expectation = await expectationOf(task, all, {
    ...trainerOptions,
    onProgress: (done, steps, source) => progress.status(`reference ${source}: step ${done} of ${steps}`),
  });

  const { contenders, refused } = await lineUp(chosen, expectation, trainerOptions);
  const calibrator = await hiddenCalibrator(all, chosen, expectation, trainerOptions);
  const watch = new NoiseWatch();

  const resultOf = (entries: readonly Entry[]): BenchResult => {
    const rowsByName = new Map<string, Row>(refused);
    for (const entry of entries) {
      const row = rowOf(entry, entries, task.training, options.peak);
      if (row !== undefined) rowsByName.set(row.implementation, row);
    }
    const rows = chosen.map(({ name }) => rowsByName.get(name)).filter((row) => row !== undefined);
    return {
      schemaVersion: SCHEMA_VERSION,
      createdAt,
      ...(commit === undefined ? {} : { commit }),
      task: task.description,
      machine: { ...thisMachine(), ...(options.peak === undefined ? {} : { peakGflops: options.peak }) },
      runtime: thisRuntime(),
      noise: watch.report(calibratorTimes(entries, task.training.batch), rows, options.precision),
      rows,
    };
  };

  const entries = await race([...contenders, ...calibrator], {
    stepsKnown: expectation.reference.losses.length,
    batch: task.training.batch,
    pace: options.pace,
    limit: options.limit,
    seed: task.description.seed,
    signal,
    onEvent: async (event, current) => {
      reportRaceEvent(event, current, options.progress);
      if (event.kind === 'sampled' || event.kind === 'verified') await options.onResult(resultOf(current));
    },
  });
  return resultOf(entries);
}

type StartOptions = { readonly signal: AbortSignal; readonly replyTimeoutMilliseconds: number | undefined };

/** Those that can run here, and a row for each that cannot. */
async function lineUp(
  chosen: readonly DiscoveredImplementation[],
  expectation: Expectation,
  options: StartOptions,
): Promise<{ contenders: readonly Contender[]; refused: readonly (readonly [string, RefusedRow])[] }> {
  const contenders: Contender[] = [];
  const refused: (readonly [string, RefusedRow])[] = [];
  for (const implementation of chosen) {
    if (isBroken(implementation)) {
      refused.push([implementation.name, brokenRow(implementation.name, implementation.problem)]);
      continue;
    }
    const contender = contenderOf(implementation, expectation, options);
    const here = await availability(implementation);
    if (here.available) contenders.push(contender);
    else refused.push([implementation.name, { ...contender.identity, status: 'skipped', reason: here.reason }]);
  }
  return { contenders, refused };
}

/** The calibrator is timed every round even where it has no row of its own. */
async function hiddenCalibrator(
  all: readonly DiscoveredImplementation[],
  chosen: readonly DiscoveredImplementation[],
  expectation: Expectation,
  options: StartOptions,
): Promise<readonly Contender[]> {
  const [calibrator] = withRole(all, 'calibrator');
  if (calibrator === undefined || withRole(chosen, 'calibrator').length > 0) return [];
  return (await availability(calibrator)).available ? [contenderOf(calibrator, expectation, options)] : [];
}

export function contenderOf(
  implementation: Implementation,
  expectation: Expectation,
  options: StartOptions,
): Contender {
  const { language, technique, precision, roles } = implementation.manifest;
  const gate = expectation.gates[precision];
  return {
    identity: { implementation: implementation.name, language, technique, precision },
    roles,
    start: (signal) => startTrainer(implementation, expectation.task, { ...options, signal }),
    verify: (losses) => verifyLosses(expectation.reference.losses, losses, gate),
  };
}

/** A manifest that cannot be read says nothing of language or precision either. */
function brokenRow(implementation: string, reason: string): RefusedRow {
  return { implementation, language: '?', technique: '?', precision: 'float64', status: 'error', reason };
}

function calibratorTimes(entries: readonly Entry[], batch: number): number[] {
  const calibrator = entries.filter(isRacing).find(({ contender }) => contender.roles.includes('calibrator'));
  if (calibrator === undefined) return [];
  const { lapSteps } = calibrator.scouting;
  return calibrator.samples
    .map((sample) => sample?.nanosecondsToCut.get(lapSteps))
    .filter((time) => time !== undefined)
    .map((time) => time / 1000 / lapSteps / batch);
}
