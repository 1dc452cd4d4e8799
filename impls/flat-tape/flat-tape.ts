import type { Trainer, TrainingTask } from '../contract.ts';
import { Adam } from './adam.ts';
import { Gpt } from './gpt.ts';
import { type Entry, Tape } from './tape.ts';

/** Scalar autograd whose graph is a tape in typed arrays. The parameters are at its start; every step cuts it back to them. */
export default function createTrainer(task: TrainingTask): Trainer & Required<Pick<Trainer, 'gradients'>> {
  const { model, tokens, offsets, batch, numSteps, learningRate } = task;
  const documentCount = offsets.length - 1;
  const tape = new Tape();
  const first = tape.length;
  for (const parameter of task.parameters) tape.leaf(parameter);
  const end = tape.length;
  const gpt = new Gpt(tape, first, model);
  const adam = new Adam(end - first);
  let start = 0;
  let step = 0;

  /** Leaves the gradient of the step's loss in the parameters' entries. */
  function lossAndGradients(): number {
    tape.truncate(end);
    const share = tape.leaf(1 / batch);
    const losses: Entry[] = [];
    for (let i = 0; i < batch; i++) {
      const document = (start + step * batch + i) % documentCount;
      losses.push(gpt.documentLoss(tokens.subarray(offsets[document], offsets[document + 1])));
    }
    for (const loss of losses) tape.pair(loss, share);
    const loss = tape.sum();
    tape.backward(loss);
    return tape.data[loss];
  }

  return {
    train(steps) {
      const losses = new Float64Array(steps);
      for (let i = 0; i < steps; i++, step++) {
        losses[i] = lossAndGradients();
        adam.update(tape.data, tape.grad, first, step, learningRate * (1 - step / numSteps));
      }
      return losses;
    },
    reset(firstDocument) {
      tape.data.set(task.parameters, first);
      adam.reset();
      start = firstDocument;
      step = 0;
    },
    parameters: () => tape.data.slice(first, end),
    gradients() {
      lossAndGradients();
      return tape.grad.slice(first, end);
    },
  };
}
