import type { TrainingTask } from '../../impls/contract.ts';
import type { Precision } from '../program/manifest.ts';
import { baseTolerance } from './gate.ts';
import { Teacher } from './teacher.ts';

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
