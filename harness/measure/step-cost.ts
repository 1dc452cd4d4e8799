import type { TrainingTask } from '../../impls/contract.ts';
import type { TrainerProcess } from '../program/trainer-process.ts';

/** What a step takes once warm: a forecast, good enough to share out time with. */
export interface StepCost {
  readonly nanosecondsPerStep: number;
  /** Time its code took to be built for these sizes, where it was not in a cache. */
  readonly buildNanoseconds?: number;
}

/**
 * Finds out how long a step takes, by the harness's clock, from stretches of doubling length: just-in-time compilers do most of their work
 * in the first ones. Leaves the trainer somewhere in its schedule.
 */
export async function stepCost(
  trainer: TrainerProcess,
  { numSteps }: TrainingTask,
  budgetMilliseconds: number,
): Promise<StepCost> {
  let nanosecondsPerStep = Number.POSITIVE_INFINITY;
  let spent = 0;
  for (let steps = 1; steps <= numSteps; steps *= 2) {
    await trainer.reset(0);
    await trainer.train(steps);
    const elapsed = trainer.wordNanoseconds();
    nanosecondsPerStep = Math.min(nanosecondsPerStep, elapsed / steps);
    spent += elapsed;
    if (spent + 2 * elapsed > budgetMilliseconds * 1e6) break;
  }
  return {
    nanosecondsPerStep,
    ...(trainer.buildNanoseconds === undefined ? {} : { buildNanoseconds: trainer.buildNanoseconds }),
  };
}
