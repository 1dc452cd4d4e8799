import type { Trainer, TrainingTask } from '../contract.ts';
import { adam } from './adam.ts';
import { createBatchReader } from './batch.ts';
import { createModel } from './model.ts';
import { viewWeights } from './weights.ts';

/** No graph and no tape: every gradient is a formula, worked out by hand at matrix level. float64 throughout. */
export default function createTrainer(task: TrainingTask): Required<Pick<Trainer, 'gradients'>> & Trainer {
  const { model, batch, numSteps, learningRate } = task;
  const size = task.parameters.length;
  const weights = viewWeights(task.parameters.slice(), model);
  const gradients = viewWeights(new Float64Array(size), model);
  const moments = { first: new Float64Array(size), second: new Float64Array(size) };
  const readBatch = createBatchReader(task);
  const lossAndGradients = createModel(model, weights, gradients, batch * model.blockSize);
  let step = 0;
  return {
    train(steps) {
      const losses = new Float64Array(steps);
      for (let i = 0; i < steps; i++, step++) {
        losses[i] = lossAndGradients(readBatch(step));
        adam(weights.flat, gradients.flat, moments, step, learningRate * (1 - step / numSteps));
      }
      return losses;
    },
    reset() {
      weights.flat.set(task.parameters);
      moments.first.fill(0);
      moments.second.fill(0);
      step = 0;
    },
    parameters: () => weights.flat.slice(),
    gradients() {
      lossAndGradients(readBatch(step));
      return gradients.flat.slice();
    },
  };
}
