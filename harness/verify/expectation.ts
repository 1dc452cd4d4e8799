import { availability } from '../program/availability.ts';
import { type DiscoveredImplementation, type Implementation, withRole } from '../program/discover.ts';
import { ImplementationFailure } from '../program/implementation-failure.ts';
import type { Precision } from '../program/manifest.ts';
import type { TrainerOptions } from '../program/trainer-process.ts';
import type { PreparedTask } from '../task/task.ts';
import { roundingEnvelope } from './envelope.ts';
import { flatGate, type LossGate, lossGate, verifyLosses } from './gate.ts';
import { type ReferenceOptions, type ReferenceTrace, referenceTrace } from './reference-trace.ts';
import { RulesTrainer } from './rules-trainer.ts';

/** What a correct trainer of this task must show, at either precision. */
export interface Expectation {
  readonly task: PreparedTask;
  readonly reference: ReferenceTrace;
  readonly gates: Readonly<Record<Precision, LossGate>>;
  /** Gradient of the first step's loss, `[parameters]`. */
  readonly firstGradient: Float64Array;
  /** What makes the verdicts less sure than they could be, in whole sentences. */
  readonly warnings: readonly string[];
}

/**
 * Everything verification needs to know about a task, computed once for all implementations.
 * @throws {UsageError} where no reference is to be had, {@link ImplementationFailure} where it breaks
 */
export async function expectationOf(
  task: PreparedTask,
  implementations: readonly DiscoveredImplementation[],
  options: ReferenceOptions = {},
): Promise<Expectation> {
  const reference = await referenceTrace(task, implementations, options);
  const model = new RulesTrainer(task.training);
  model.step();
  const { gates, warnings } = await lossGates(task, reference, implementations, options);
  return { task, reference, gates, firstGradient: model.gradient.slice(), warnings };
}

interface LossGates {
  readonly gates: Readonly<Record<Precision, LossGate>>;
  readonly warnings: readonly string[];
}

async function lossGates(
  task: PreparedTask,
  reference: ReferenceTrace,
  implementations: readonly DiscoveredImplementation[],
  options: TrainerOptions,
): Promise<LossGates> {
  const steps = reference.losses.length;
  const flat = (why: string): LossGates => ({
    gates: { float64: flatGate('float64', steps), float32: flatGate('float32', steps) },
    warnings: [`${why}, so every step is held to the base tolerance, also where rounding may have grown beyond it`],
  });
  const trusted = await firstAvailable(withRole(implementations, 'trusted'));
  if (trusted === undefined) return flat('no implementation with the role "trusted" can run here');
  try {
    const fine = await roundingEnvelope(trusted, task, 'float64', steps, options);
    const float64 = lossGate('float64', steps, fine.envelope);
    // A trainer that is wrong itself would measure an envelope of its own making.
    if (verifyLosses(reference.losses, fine.exactLosses, float64).status === 'mismatch') {
      return flat(`${trusted.name}, which has the role "trusted", does not agree with the reference`);
    }
    const coarse = await roundingEnvelope(trusted, task, 'float32', steps, options);
    return { gates: { float64, float32: lossGate('float32', steps, coarse.envelope) }, warnings: [] };
  } catch (error) {
    if (error instanceof ImplementationFailure) return flat(`the trusted trainer broke (${error.message})`);
    throw error;
  }
}

async function firstAvailable(candidates: readonly Implementation[]): Promise<Implementation | undefined> {
  for (const candidate of candidates) {
    if ((await availability(candidate)).available) return candidate;
  }
  return undefined;
}
