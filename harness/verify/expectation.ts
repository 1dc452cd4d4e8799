import type { DiscoveredImplementation } from '../program/discover.ts';
import type { PreparedTask } from '../task/task.ts';
import { type ReferenceOptions, type ReferenceTrace, referenceTrace, stepsTogether } from './reference-trace.ts';

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
