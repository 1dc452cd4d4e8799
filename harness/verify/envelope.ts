import { z } from 'zod';
import { cachedJson } from '../cached-json.ts';
import type { Implementation } from '../implementation/discover.ts';
import { implementationHash } from '../implementation/implementation-hash.ts';
import type { Precision } from '../implementation/manifest.ts';
import { startTrainer, type TrainerOptions } from '../implementation/trainer-process.ts';
import type { PreparedTask } from '../task/task.ts';
import { HORIZON_ENVELOPE } from './gate.ts';

/** Steps trained between two looks at how far the runs have drifted apart. */
const STEPS_PER_LOOK = 50;

/** Start parameters, moved by as little as a precision can tell apart: rounded to float32, or by one part in 2^52. */
export function perturbParameters(parameters: Float64Array, precision: Precision): Float64Array {
  if (precision === 'float32') return Float64Array.from(parameters, Math.fround);
  return Float64Array.from(parameters, (value, index) => value * (1 + (index % 2 === 0 ? 1 : -1) * 2 ** -52));
}

const envelopeSchema = z.strictObject({ exactLosses: z.array(z.number()), envelope: z.array(z.number()) });

/** Losses of a float64 trainer that is known to be right, and how far rounding moves them. */
export interface RoundingEnvelope {
  /** The trusted trainer's own losses, from the exact start parameters. */
  readonly exactLosses: Float64Array;
  /** Running maximum over the steps of how far the perturbed run's loss lies from the exact one's. */
  readonly envelope: Float64Array;
}

/**
 * How far rounding has grown by each step: the trusted trainer runs from exact and from perturbed start parameters.
 * Ends after `steps`, or a little beyond the step where the envelope passes the horizon's. Kept in the cache.
 * @throws {ImplementationFailure} where the trusted trainer breaks
 */
export async function roundingEnvelope(
  trusted: Implementation,
  task: PreparedTask,
  precision: Precision,
  steps: number,
  options: TrainerOptions = {},
): Promise<RoundingEnvelope> {
  const { preset: _, ...description } = task.description;
  const key = [description, precision, steps, await implementationHash(trusted)];
  const cache = cachedJson('envelope', key, envelopeSchema);
  const known = await cache.read();
  if (known !== undefined) {
    return { exactLosses: Float64Array.from(known.exactLosses), envelope: Float64Array.from(known.envelope) };
  }
  const measured = await measureEnvelope(trusted, task, precision, steps, options);
  // What is not finite is not written: JSON has no such number, and a broken trainer is worth another look.
  if (measured.exactLosses.every(Number.isFinite) && measured.envelope.every(Number.isFinite)) {
    await cache.write({ exactLosses: Array.from(measured.exactLosses), envelope: Array.from(measured.envelope) });
  }
  return measured;
}

async function measureEnvelope(
  trusted: Implementation,
  task: PreparedTask,
  precision: Precision,
  steps: number,
  options: TrainerOptions,
): Promise<RoundingEnvelope> {
  const parameters = perturbParameters(task.training.parameters, precision);
  const exact = await startTrainer(trusted, task, options);
  try {
    const perturbed = await startTrainer(trusted, { ...task, training: { ...task.training, parameters } }, options);
    try {
      const exactLosses: number[] = [];
      const envelope: number[] = [];
      while (envelope.length < steps && !((envelope.at(-1) ?? 0) > HORIZON_ENVELOPE)) {
        const look = Math.min(STEPS_PER_LOOK, steps - envelope.length);
        const [one, other] = [await exact.train(look), await perturbed.train(look)];
        for (let step = 0; step < look; step++) {
          const moved = Math.abs(one.losses[step] - other.losses[step]);
          exactLosses.push(one.losses[step]);
          envelope.push(Math.max(envelope.at(-1) ?? 0, Number.isNaN(moved) ? Number.POSITIVE_INFINITY : moved));
        }
      }
      return { exactLosses: Float64Array.from(exactLosses), envelope: Float64Array.from(envelope) };
    } finally {
      await perturbed.quit();
    }
  } finally {
    await exact.quit();
  }
}
