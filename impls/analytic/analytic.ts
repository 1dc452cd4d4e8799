import type { Trainer, TrainingTask } from '../contract.ts';
import { AdamState, updateByAdam } from './adam.ts';
import { createBatchReader } from './batch.ts';
import { store } from './epilogue.ts';
import { createModel } from './model.ts';
import { arrangeWeights } from './weights.ts';

/** No graph and no tape: every gradient is a formula, derived by hand for whole matrices. All numbers are float64. */
export default function createTrainer(task: TrainingTask): Trainer & Required<Pick<Trainer, 'gradients'>> {
  const { model, batch, numSteps, learningRate } = task;
  const parameters = task.parameters.slice();
  const weights = arrangeWeights(model, (start, end) => parameters.subarray(start, end));
  const adam = new AdamState(parameters.length);
  const updates = arrangeWeights(model, (start, end) => updateByAdam(parameters, adam, start, end));
  const trainOn = createModel(model, weights, updates, batch * model.blockSize);
  const readBatch = createBatchReader(task);
  let start = 0;
  let step = 0;
  return {
    train(steps) {
      const losses = new Float64Array(steps);
      for (let i = 0; i < steps; i++, step++) {
        adam.startStep(step, learningRate * (1 - step / numSteps));
        losses[i] = trainOn(readBatch(start + step * batch));
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
      const gradients = new Float64Array(parameters.length);
      const stores = arrangeWeights(model, (start, end) => store(gradients.subarray(start, end)));
      createModel(model, weights, stores, batch * model.blockSize)(readBatch(start + step * batch));
      return gradients;
    },
  };
}
