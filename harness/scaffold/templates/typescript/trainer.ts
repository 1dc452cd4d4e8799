import type { Trainer, TrainingTask } from '../../../../impls/contract.ts';
import { Gpt } from './gpt.ts';
import { Tape } from './tape.ts';

/** Trains by recording every step on a tape. Plain and slow: replace its parts one at a time, and check after each. */
export default function createTrainer(task: TrainingTask): Trainer {
  let parameters = task.parameters.slice();
  let m = new Float64Array(parameters.length);
  let v = new Float64Array(parameters.length);
  let start = 0;
  let step = 0;

  /** Loss of the next step, and its gradient, `[parameters]`. */
  function lossAndGradient(): { readonly loss: number; readonly gradient: Float64Array } {
    const tape = new Tape();
    const leaves = Array.from(parameters, (value) => tape.node(value));
    const gpt = new Gpt(tape, task.model, leaves);
    const losses = [];
    const shares = [];
    for (let b = 0; b < task.batch; b++) {
      const d = (start + step * task.batch + b) % (task.offsets.length - 1);
      const document = gpt.losses(task.tokens.subarray(task.offsets[d], task.offsets[d + 1]));
      losses.push(...document);
      shares.push(...document.map(() => tape.node(1 / document.length / task.batch)));
    }
    const loss = tape.dot(losses, shares);
    const gradient = tape.gradient(loss).slice(leaves[0], leaves[0] + leaves.length);
    return { loss: tape.value(loss), gradient };
  }

  /** Adam; `step` is counted from 0. */
  function update(gradient: Float64Array): void {
    const learningRate = task.learningRate * (1 - step / task.numSteps);
    for (const [i, g] of gradient.entries()) {
      m[i] = 0.85 * m[i] + 0.15 * g;
      v[i] = 0.99 * v[i] + 0.01 * g * g;
      const mHat = m[i] / (1 - 0.85 ** (step + 1));
      const vHat = v[i] / (1 - 0.99 ** (step + 1));
      parameters[i] -= (learningRate * mHat) / (Math.sqrt(vHat) + 1e-8);
    }
  }

  return {
    train(steps) {
      return Float64Array.from({ length: steps }, () => {
        const { loss, gradient } = lossAndGradient();
        update(gradient);
        step++;
        return loss;
      });
    },
    reset(firstDocument) {
      parameters = task.parameters.slice();
      m = new Float64Array(parameters.length);
      v = new Float64Array(parameters.length);
      start = firstDocument;
      step = 0;
    },
    parameters: () => parameters.slice(),
    gradients: () => lossAndGradient().gradient,
  };
}
