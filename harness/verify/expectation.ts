import type { DiscoveredImplementation } from '../implementation/discover.ts';
import type { Precision } from '../implementation/manifest.ts';
import type { PreparedTask } from '../task/task.ts';
import { type LossGate, lossGate } from './gate.ts';
import { type ReferenceOptions, type ReferenceTrace, referenceTrace } from './reference-trace.ts';

/** What a correct trainer of this task must show, at either precision. */
export interface Expectation {
  readonly task: PreparedTask;
  readonly reference: ReferenceTrace;
  readonly gates: Readonly<Record<Precision, LossGate>>;
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
  const steps = reference.losses.length;
  return {
    task,
    reference,
    gates: {
      float64: lossGate('float64', steps, new Float64Array(steps)),
      float32: lossGate('float32', steps, new Float64Array(steps)),
    },
  };
}
