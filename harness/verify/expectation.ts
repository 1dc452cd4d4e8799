import type { DiscoveredImplementation } from '../program/discover.ts';
import type { PreparedTask } from '../task/task.ts';
import { type ReferenceOptions, type ReferenceTrace, referenceTrace, stepsTogether } from './reference-trace.ts';

/** What a correct trainer of this task is held against, beside the model that checks its single steps. */
export interface Expectation {
  readonly task: PreparedTask;
  readonly reference: ReferenceTrace;
  /** For so many steps two right float64 trainers stay together: rounding has not grown. */
  readonly calmSteps: number;
  /** What makes the verdicts less sure than they could be, in whole sentences. */
  readonly warnings: readonly string[];
}

/**
 * Everything verification needs to know about a task, computed once for all implementations.
 * @throws {UsageError} where no reference is to be had
 */
export async function expectationOf(
  task: PreparedTask,
  implementations: readonly DiscoveredImplementation[],
  options: ReferenceOptions = {},
): Promise<Expectation> {
  const { warnings, ...reference } = await referenceTrace(task, implementations, options);
  const calmSteps = stepsTogether(task.training, reference.losses, 'float64');
  return { task, reference, calmSteps, warnings };
}
