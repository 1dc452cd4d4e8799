import type { Trainer, TrainingTask } from '../contract.ts';
import { Adam } from './adam.ts';
import { arrangeWeights, Gpt } from './gpt.ts';
import { Graph } from './graph.ts';
import { Value } from './value.ts';

/** The original, value by value: every number of a step is an object that holds its operands. */
export default function createTrainer(task: TrainingTask): Trainer & Required<Pick<Trainer, 'gradients'>> {
  const { model, tokens, offsets, batch, numSteps, learningRate } = task;
  const documentCount = offsets.length - 1;
  const parameters = Array.from(task.parameters, (data) => new Value(data));
  const graph = new Graph();
  const gpt = new Gpt(graph, arrangeWeights(parameters, model), model);
  const adam = new Adam(parameters);
  let start = 0;
  let step = 0;

  /** Leaves the gradient of the step's loss in the parameters. */
  function lossAndGradients(): number {
    graph.clear();
    for (const parameter of parameters) parameter.grad = 0;
    const losses: Value[] = [];
    for (let i = 0; i < batch; i++) {
      const document = (start + step * batch + i) % documentCount;
      losses.push(gpt.documentLoss(tokens.subarray(offsets[document], offsets[document + 1])));
    }
    const loss = batch === 1 ? losses[0] : graph.multiply(graph.sum(losses), graph.constant(1 / batch));
    graph.backward(loss);
    return loss.data;
  }

  return {
    train(steps) {
      const losses = new Float64Array(steps);
      for (let i = 0; i < steps; i++, step++) {
        losses[i] = lossAndGradients();
        adam.update(step, learningRate * (1 - step / numSteps));
      }
      return losses;
    },
    reset(firstDocument) {
      for (let i = 0; i < parameters.length; i++) parameters[i].data = task.parameters[i];
      adam.reset();
      start = firstDocument;
      step = 0;
    },
    parameters: () => Float64Array.from(parameters, ({ data }) => data),
    gradients() {
      lossAndGradients();
      return Float64Array.from(parameters, ({ grad }) => grad);
    },
  };
}
