import type { TrainingTask } from '../../impls/contract.ts';
import { parameterLayout } from '../task/parameter-layout.ts';
import { ModelGradient } from './model-gradient.ts';
import { correctRules, type TrainingRules } from './training-rules.ts';

const EPSILON = 1e-8;

/** Trains a task under given rules, in this process: the model of the reference with, perhaps, one fault. */
export class RulesTrainer {
  readonly #task: TrainingTask;
  readonly #rules: TrainingRules;
  readonly #parameters: Float64Array;
  readonly #gradient: Float64Array;
  readonly #firstMoment: Float64Array;
  readonly #secondMoment: Float64Array;
  readonly #model: ModelGradient;
  #step = 0;

  constructor(task: TrainingTask, rules: TrainingRules = correctRules, parameters: Float64Array = task.parameters) {
    this.#task = task;
    this.#rules = rules;
    this.#parameters = parameters.slice();
    this.#gradient = new Float64Array(parameters.length);
    this.#firstMoment = new Float64Array(parameters.length);
    this.#secondMoment = new Float64Array(parameters.length);
    this.#model = new ModelGradient(task.model, rules, this.#parameters, this.#gradient);
  }

  /** Trains one step and returns its loss. The gradient of that loss is then in {@link gradient}. */
  step(): number {
    const loss = this.#computeGradient();
    this.#update();
    this.#step++;
    return loss;
  }

  /** Gradient of the last step's loss; a view. */
  get gradient(): Float64Array {
    return this.#gradient;
  }

  /** Current parameters; a view. */
  get parameters(): Float64Array {
    return this.#parameters;
  }

  #computeGradient(): number {
    const { tokens, offsets, batch } = this.#task;
    const documents = offsets.length - 1;
    this.#gradient.fill(0);
    let loss = 0;
    for (let b = 0; b < batch; b++) {
      const d = (this.#step * batch + b) % documents;
      loss += this.#model.addDocument(tokens.subarray(offsets[d], offsets[d + 1]), batch) / batch;
    }
    return loss;
  }

  /** Adam, with step counted from 0. */
  #update(): void {
    const { beta1, beta2, epsilon } = this.#rules;
    const rate = this.#task.learningRate * this.#rules.decay(this.#step, this.#task.numSteps);
    const power = this.#rules.biasCorrectionPower(this.#step);
    const correction1 = power === undefined ? 1 : 1 - beta1 ** power;
    const correction2 = power === undefined ? 1 : 1 - beta2 ** power;
    const leftOut = this.#leftOut();
    for (let i = 0; i < this.#parameters.length; i++) {
      if (leftOut(i)) continue;
      const g = this.#gradient[i];
      const m = beta1 * this.#firstMoment[i] + (1 - beta1) * g;
      const v = beta2 * this.#secondMoment[i] + (1 - beta2) * g * g;
      this.#firstMoment[i] = m;
      this.#secondMoment[i] = v;
      const variance = v / correction2;
      const root = epsilon === 'beside the root' ? Math.sqrt(variance) + EPSILON : Math.sqrt(variance + EPSILON);
      this.#parameters[i] -= (rate * (m / correction1)) / root;
    }
  }

  #leftOut(): (index: number) => boolean {
    const { leavesOut } = this.#rules;
    if (leavesOut === 'nothing') return () => false;
    if (leavesOut === 'idle entries') return (index) => this.#gradient[index] === 0;
    const names = leavesOut === 'idle rows of wte' ? ['wte'] : ['wte', 'wpe'];
    const idle = new Uint8Array(this.#parameters.length);
    for (const { name, rows, columns, offset } of parameterLayout(this.#task.model)) {
      if (!names.includes(name)) continue;
      for (let at = offset; at < offset + rows * columns; at += columns) {
        if (this.#gradient.subarray(at, at + columns).every((g) => g === 0)) idle.fill(1, at, at + columns);
      }
    }
    return (index) => idle[index] === 1;
  }
}
