import { z } from 'zod';
import { type TrainingTask, UnsupportedTask } from '../../impls/contract.ts';
import { printableLine } from '../printable.ts';
import { availability } from '../program/availability.ts';
import type { DiscoveredImplementation, Implementation } from '../program/discover.ts';
import { ImplementationFailure } from '../program/implementation-failure.ts';
import { implementationHash } from '../program/implementation-hash.ts';
import type { Precision } from '../program/manifest.ts';
import { withRole } from '../program/roles.ts';
import { flopsPerStep, startTrainer, type TrainerOptions } from '../program/trainer-process.ts';
import { commandLine, displayPath } from '../project.ts';
import { messageOf } from '../regular-file.ts';
import type { PreparedTask } from '../task/task.ts';
import { UsageError } from '../usage-error.ts';
import { cachedJson } from './cached-json.ts';
import { baseTolerance } from './gate.ts';
import { findGolden } from './golden.ts';
import { Teacher } from './teacher.ts';

/** The losses every implementation is compared with. */
interface ReferenceTrace {
  /** `golden`, or the name of the implementation that ran. */
  readonly source: string;
  /** Of every step from the first on, before its update. */
  readonly losses: Float64Array;
}

interface ReferenceOptions extends TrainerOptions {
  /** By default as many as the golden trace has, or as are affordable. */
  readonly steps?: number | undefined;
  readonly onProgress?: ((stepsDone: number, steps: number, source: string) => void) | undefined;
}

/** What a trainer of this task is compared with, besides the model that checks its single steps. */
export interface Expectation {
  readonly task: PreparedTask;
  readonly reference: ReferenceTrace;
  /** For so many steps two right float64 trainers stay together: rounding has not grown. */
  readonly calmSteps: number;
  /** What makes the verdicts less sure, in whole sentences. */
  readonly warnings: readonly string[];
}

/** Computed once for all implementations. @throws {UsageError} if there is no reference */
export async function expectationOf(
  task: PreparedTask,
  implementations: readonly DiscoveredImplementation[],
  options: ReferenceOptions = {},
): Promise<Expectation> {
  const { warnings, ...reference } = await referenceTrace(task, implementations, options);
  const calmSteps = stepsTogether(task.training, reference.losses, 'float64');
  return { task, reference, calmSteps, warnings };
}

/** By CPython's scalar autograd. */
export const CPYTHON_FLOPS_PER_SECOND = 600_000;
/** For a reference to train. */
const AFFORDABLE_SECONDS = 5;
/** Bias correction and the decay of the learning rate first show in the third loss. */
const FEWEST_STEPS = 4;
/** Rounding has not grown beyond the tolerance by then, at any size that was tried. */
const STEPS_ALWAYS_CALM = 3;

/** Steps that a reference is run for: the same on every machine, so that results can be compared. */
export function affordableSteps(task: PreparedTask): number {
  const steps = Math.floor((AFFORDABLE_SECONDS * CPYTHON_FLOPS_PER_SECOND) / flopsPerStep(task));
  return Math.min(task.training.numSteps, Math.max(FEWEST_STEPS, steps));
}

/**
 * The golden trace if one fits, else what the first reference that works computes now, kept in the cache. A reference that
 * breaks is a warning, and the next one is tried.
 * @throws {UsageError} for more steps than the schedule has, or if there is no reference
 */
export async function referenceTrace(
  task: PreparedTask,
  implementations: readonly DiscoveredImplementation[],
  options: ReferenceOptions = {},
): Promise<ReferenceTrace & { readonly warnings: readonly string[] }> {
  const { steps } = options;
  if (steps !== undefined && steps > task.training.numSteps) {
    throw new UsageError(
      `--steps ${steps} is more than the schedule has; expected at most --num-steps, ${task.training.numSteps}`,
    );
  }
  const golden = await findGolden(task.description);
  if (golden !== undefined) {
    return { source: 'golden', losses: Float64Array.from(golden.losses.slice(0, steps)), warnings: [] };
  }
  const wanted = Math.min(steps ?? affordableSteps(task), affordableSteps(task));
  const warnings: string[] = [];
  const unable: string[] = [];
  let diverges: number | undefined;
  for (const reference of withRole(implementations, 'reference')) {
    const present = await availability(reference, undefined, options.signal);
    if (!present.available) {
      unable.push(`${reference.name} (${present.reason})`);
      continue;
    }
    try {
      const losses = await lossesOf(reference, task, wanted, options, warnings);
      const together = stepsTogether(task.training, losses, 'float64');
      if (together >= Math.min(STEPS_ALWAYS_CALM, losses.length)) return { source: reference.name, losses, warnings };
      const notFinite = losses.findIndex((loss) => !Number.isFinite(loss));
      if (notFinite >= 0) diverges ??= notFinite + 1;
      const disagrees = `step ${together + 1} is not what the model of this project makes of it`;
      warnings.push(`the reference ${reference.name} is wrong, so it was left out: ${disagrees}`);
      unable.push(`${reference.name} (${disagrees})`);
    } catch (error) {
      if (!(error instanceof ImplementationFailure || error instanceof UnsupportedTask)) throw error;
      options.signal?.throwIfAborted();
      warnings.push(`the reference ${reference.name} broke, so it was left out: ${error.message}`);
      unable.push(`${reference.name} (${error.message})`);
    }
  }
  diverges ??= divergenceStep(task, wanted);
  if (diverges !== undefined) {
    throw new UsageError(
      `--learning-rate ${task.training.learningRate}: training diverges, the loss is not finite at step ${diverges}; expected finite losses; lower --learning-rate`,
    );
  }
  throw new UsageError(
    `no golden trace fits this task, and no implementation with the role "reference" works here${unable.length === 0 ? '' : `: ${unable.join(', ')}`}; see \`${commandLine('list')}\``,
  );
}

/** By the model of this project; undefined if all of the first steps are finite. */
function divergenceStep({ training }: PreparedTask, steps: number): number | undefined {
  const teacher = new Teacher(training, 'float64');
  let { parameters } = training;
  for (let step = 1; step <= Math.min(steps, FEWEST_STEPS); step++) {
    const { loss, after } = teacher.predict(parameters);
    // The log of a probability, which is 0 by then.
    if (!(Math.exp(-loss) > 0)) return step;
    parameters = after;
  }
  return undefined;
}

async function lossesOf(
  reference: Implementation,
  task: PreparedTask,
  wanted: number,
  options: ReferenceOptions,
  warnings: string[],
): Promise<Float64Array> {
  const { preset: _, ...description } = task.description;
  const cache = cachedJson('reference', [description, await implementationHash(reference)], z.array(z.number()));
  const known = await cache.read().catch(() => {
    const where = displayPath(cache.file);
    warnings.push(`${where}: got something else than the losses of ${reference.name}; they are computed again`);
    return undefined;
  });
  if (known !== undefined && known.length >= wanted) return Float64Array.from(known.slice(0, wanted));
  const losses = new Float64Array(wanted);
  const trainer = await startTrainer(reference, task, options);
  try {
    for (let step = 0; step < wanted; step++) {
      losses.set((await trainer.train(1)).losses, step);
      options.onProgress?.(step + 1, wanted, reference.name);
    }
  } finally {
    await trainer.quit();
  }
  await cache.write(Array.from(losses)).catch((error) => {
    warnings.push(
      `the losses of ${reference.name} cannot be kept for the next run (${printableLine(messageOf(error))})`,
    );
  });
  return losses;
}

/** Two right trainers stay within this part of the tolerance while training is calm. */
const CALM_FRACTION = 1 / 8;

/** How many steps a free run of the model stays with these losses, from start parameters as that precision holds them. */
export function stepsTogether(task: TrainingTask, losses: Float64Array, precision: Precision): number {
  const teacher = new Teacher(task, precision);
  let parameters = precision === 'float32' ? task.parameters.map(Math.fround) : task.parameters;
  for (const [step, expected] of losses.entries()) {
    const { loss, after } = teacher.predict(parameters);
    if (!(Math.abs(loss - expected) <= CALM_FRACTION * baseTolerance[precision])) return step;
    parameters = after;
  }
  return losses.length;
}
