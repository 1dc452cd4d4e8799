import { z } from 'zod';
import { availability } from '../program/availability.ts';
import { type DiscoveredImplementation, type Implementation, withRole } from '../program/discover.ts';
import { implementationHash } from '../program/implementation-hash.ts';
import { flopsPerStep, startTrainer, type TrainerOptions } from '../program/trainer-process.ts';
import type { PreparedTask } from '../task/task.ts';
import { UsageError } from '../usage-error.ts';
import { cachedJson } from './cached-json.ts';
import { findGolden } from './golden.ts';

/** What is true: the losses every implementation is held against. */
export interface ReferenceTrace {
  /** `golden`, or the name of the implementation that was run on the spot. */
  readonly source: string;
  /** Loss of every step from the first on, before that step's update. */
  readonly losses: Float64Array;
}

export interface ReferenceOptions extends TrainerOptions {
  /** How many steps; as many as the golden trace has, or as are affordable, where left out. */
  readonly steps?: number | undefined;
  readonly onProgress?: ((stepsDone: number, steps: number, source: string) => void) | undefined;
}

/** What CPython's scalar autograd manages, and how long a reference may train on the spot. */
const CPYTHON_FLOPS_PER_SECOND = 600_000;
const AFFORDABLE_SECONDS = 15;
/** Bias correction and the decay of the learning rate first show in the third loss. */
const FEWEST_STEPS = 4;

/** Steps a reference is run for on the spot: the same on every machine, so that what was verified can be compared. */
export function affordableSteps(task: PreparedTask): number {
  const steps = Math.floor((AFFORDABLE_SECONDS * CPYTHON_FLOPS_PER_SECOND) / flopsPerStep(task));
  return Math.min(task.training.numSteps, Math.max(FEWEST_STEPS, steps));
}

/**
 * The golden trace where one fits, else what the first available implementation with the role `reference` computes here and now
 * (kept in the cache, since it may take a while).
 * @throws {UsageError} where more steps are asked for than the schedule has, or where nothing can serve as a reference
 * @throws {ImplementationFailure} where the reference breaks
 */
export async function referenceTrace(
  task: PreparedTask,
  implementations: readonly DiscoveredImplementation[],
  options: ReferenceOptions = {},
): Promise<ReferenceTrace> {
  const { steps } = options;
  if (steps !== undefined && steps > task.training.numSteps) {
    throw new UsageError(
      `--steps ${steps} is more than the schedule has; expected at most --num-steps, ${task.training.numSteps}`,
    );
  }
  const golden = await findGolden(task.description);
  if (golden !== undefined && (steps ?? 0) <= golden.losses.length) {
    return { source: 'golden', losses: Float64Array.from(golden.losses.slice(0, steps)) };
  }
  const wanted = steps ?? affordableSteps(task);
  const reference = await firstAvailable(withRole(implementations, 'reference'));
  const { preset: _, ...description } = task.description;
  const cache = cachedJson('reference', [description, await implementationHash(reference)], z.array(z.number()));
  const known = (await cache.read()) ?? [];
  if (known.length >= wanted) return { source: reference.name, losses: Float64Array.from(known.slice(0, wanted)) };
  const losses = await computeLosses(reference, task, wanted, options);
  await cache.write(Array.from(losses));
  return { source: reference.name, losses };
}

async function firstAvailable(candidates: readonly Implementation[]): Promise<Implementation> {
  for (const candidate of candidates) {
    if ((await availability(candidate)).available) return candidate;
  }
  const names = candidates.map((candidate) => candidate.name).join(', ');
  throw new UsageError(
    names === ''
      ? 'no golden trace fits this task, and no implementation has the role "reference" in its impl.json'
      : `no golden trace fits this task, and none of the references can run here: ${names}; see \`npm run list\``,
  );
}

async function computeLosses(
  reference: Implementation,
  task: PreparedTask,
  steps: number,
  options: ReferenceOptions,
): Promise<Float64Array> {
  const losses = new Float64Array(steps);
  const trainer = await startTrainer(reference, task, options);
  try {
    for (let step = 0; step < steps; step++) {
      losses.set((await trainer.train(1)).losses, step);
      options.onProgress?.(step + 1, steps, reference.name);
    }
  } finally {
    await trainer.quit();
  }
  return losses;
}
