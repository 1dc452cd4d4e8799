import { createBatchReader } from '../analytic/batch.ts';
import { arrangeWeights } from '../analytic/weights.ts';
import type { Trainer, TrainingTask } from '../contract.ts';
import { Adam } from '../flat-tape/adam.ts';
import { createModel } from './model.ts';

/** No graph and no tape: every gradient is a formula, derived by hand for whole matrices, in plain loops. All numbers are float64. */
export default function createTrainer(task: TrainingTask): Trainer & Required<Pick<Trainer, 'gradients'>> {
  const { model, batch, numSteps, learningRate } = task;
  const parameters = task.parameters.slice();
  const gradients = new Float64Array(parameters.length);
  const weights = arrangeWeights(model, (start, end) => parameters.subarray(start, end));
  const weightGradients = arrangeWeights(model, (start, end) => gradients.subarray(start, end));
  const lossAndGradients = createModel(model, weights, weightGradients, batch * model.blockSize);
  const readBatch = createBatchReader(task);
  const adam = new Adam(parameters.length);
  let start = 0;
  let step = 0;
  return {
    train(steps) {
      const losses = new Float64Array(steps);
      for (let i = 0; i < steps; i++, step++) {
        losses[i] = lossAndGradients(readBatch(start + step * batch));
        adam.update(parameters, gradients, 0, step, learningRate * (1 - step / numSteps));
      }
      return losses;
    },
    reset(firstDocument) {
      parameters.set(task.parameters);
      adam.reset();
      start = firstDocument;
      step = 0;
    },
    parameters: () => parameters.slice(),
    gradients() {
      lossAndGradients(readBatch(start + step * batch));
      return gradients.slice();
    },
  };
}
