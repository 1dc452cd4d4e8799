import { z } from 'zod';
import type { Implementation } from '../program/discover.ts';
import { implementationHash } from '../program/implementation-hash.ts';
import type { Precision } from '../program/manifest.ts';
import { startTrainer, type TrainerOptions, type TrainerProcess } from '../program/trainer-process.ts';
import { PythonRandom } from '../task/python-random.ts';
import type { PreparedTask } from '../task/task.ts';
import { cachedJson } from './cached-json.ts';
import { HORIZON_ENVELOPE } from './gate.ts';

/** Steps trained between two looks at how far the runs have drifted apart. */
const STEPS_PER_LOOK = 50;

/** Runs from start parameters that were moved, each in another direction: a single one may happen to miss where rounding tips a relu. */
const PERTURBED_RUNS = 4;

/** Four roundings of a number of that precision: about what a trainer's own rounding adds up to in its first steps. */
const relativeShift: Readonly<Record<Precision, number>> = { float32: 2 ** -22, float64: 2 ** -50 };

/** Start parameters, each moved up or down by next to nothing, as a coin falls that is the same every time for the same `run`. */
export function perturbParameters(parameters: Float64Array, precision: Precision, run: number): Float64Array {
  const coin = new PythonRandom(run);
  const shift = relativeShift[precision];
  return parameters.map((value) => value * (coin.random() < 0.5 ? 1 - shift : 1 + shift));
}

const envelopeSchema = z.strictObject({ exactLosses: z.array(z.number()), envelope: z.array(z.number()) });

/** Losses of a float64 trainer that is known to be right, and how far rounding moves them. */
export interface RoundingEnvelope {
  /** The trusted trainer's own losses, from the exact start parameters. */
  readonly exactLosses: Float64Array;
  /** Running maximum over the steps of how far any perturbed run's loss lies from the exact one's. */
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
  const key = [
    description,
    precision,
    PERTURBED_RUNS,
    relativeShift[precision],
    steps,
    await implementationHash(trusted),
  ];
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
  const { training } = task;
  const starts = Array.from({ length: PERTURBED_RUNS }, (_, run) =>
    perturbParameters(training.parameters, precision, run),
  );
  const tasks = [task, ...starts.map((parameters) => ({ ...task, training: { ...training, parameters } }))];
  const trainers: TrainerProcess[] = [];
  try {
    for (const perturbed of tasks) trainers.push(await startTrainer(trusted, perturbed, options));
    const exactLosses: number[] = [];
    const envelope: number[] = [];
    while (envelope.length < steps && !((envelope.at(-1) ?? 0) > HORIZON_ENVELOPE)) {
      const look = Math.min(STEPS_PER_LOOK, steps - envelope.length);
      const [exact, ...others] = await Promise.all(trainers.map(async (trainer) => (await trainer.train(look)).losses));
      for (const [step, loss] of exact.entries()) {
        const moved = Math.max(...others.map((losses) => Math.abs(losses[step] - loss)));
        exactLosses.push(loss);
        envelope.push(Math.max(envelope.at(-1) ?? 0, Number.isNaN(moved) ? Number.POSITIVE_INFINITY : moved));
      }
    }
    return { exactLosses: Float64Array.from(exactLosses), envelope: Float64Array.from(envelope) };
  } finally {
    for (const trainer of trainers) await trainer.quit();
  }
}
