import type { TrainingTask } from '../../impls/contract.ts';
import { type ParameterMatrix, parameterLayout } from '../task/parameter-layout.ts';
import { ModelGradient } from './model-gradient.ts';
import { correctRules, type TrainingRules } from './training-rules.ts';

/** Roundings that may add up in an entry of a gradient, with some to spare: a fault differs by far more. */
const ROUNDINGS = 256;
/** Norm, or size of an entry, beyond which a gradient is clipped if the rules say so. */
const CLIP = 1;

export interface LossAndGradient {
  readonly loss: number;
  readonly gradient: Float64Array;
}

/** Trains a task in this process under given rules: the reference's model, perhaps with one fault. */
export class RulesTrainer {
  readonly #task: TrainingTask;
  readonly #rules: TrainingRules;
  readonly #layout: readonly ParameterMatrix[];
  readonly #parameters: Float64Array;
  readonly #gradient: Float64Array;
  readonly #unclipped: Float64Array;
  /** Largest second moment so far, corrected. */
  readonly #highest: Float64Array;
  readonly #update: Float64Array;
  readonly #firstMoment: Float64Array;
  readonly #secondMoment: Float64Array;
  /** Averages of δ and δ²: what rounding may have moved the moments by. */
  readonly #firstError: Float64Array;
  readonly #secondError: Float64Array;
  readonly #model: ModelGradient;
  #step = 0;

  constructor(task: TrainingTask, rules: TrainingRules = correctRules, parameters: Float64Array = task.parameters) {
    const zeros = () => new Float64Array(parameters.length);
    this.#task = task;
    this.#rules = rules;
    this.#layout = parameterLayout(task.model);
    this.#parameters = parameters.slice();
    this.#gradient = zeros();
    this.#unclipped = zeros();
    this.#highest = zeros();
    this.#update = zeros();
    this.#firstMoment = zeros();
    this.#secondMoment = zeros();
    this.#firstError = zeros();
    this.#secondError = zeros();
    this.#model = new ModelGradient(task.model, rules, this.#parameters, this.#gradient);
  }

  /**
   * Trains one step and returns its loss. The gradient of that loss is then in {@link gradient}.
   * @param from parameters to start from; by default those that the last step ended with
   * @param known loss and gradient there, if the rules differ only in what is done with a gradient
   */
  step(from?: Float64Array, known?: LossAndGradient): number {
    const { loss, update } = this.beginStep(from, known);
    update();
    return loss;
  }

  /** As {@link step}, in two halves: a loss that is not wanted spares its gradient. */
  beginStep(from?: Float64Array, known?: LossAndGradient): { readonly loss: number; readonly update: () => void } {
    if (from !== undefined) this.#parameters.set(from);
    if (known !== undefined) {
      return { loss: known.loss, update: () => this.#trainOn(() => this.#gradient.set(known.gradient)) };
    }
    const { loss, computeGradient } = this.#lossAndGradient();
    return { loss, update: () => this.#trainOn(computeGradient) };
  }

  #trainOn(computeGradient: () => void): void {
    computeGradient();
    this.#unclipped.set(this.#gradient);
    this.#clip();
    this.#takeUpdate();
    this.#step++;
  }

  /** Of the last step's loss; a view. */
  get gradient(): Float64Array {
    return this.#gradient;
  }

  /** The same before it was clipped; a view. */
  get unclippedGradient(): Float64Array {
    return this.#unclipped;
  }

  /** Current parameters; a view. */
  get parameters(): Float64Array {
    return this.#parameters;
  }

  /** What the last step took off each parameter; a view. */
  get update(): Float64Array {
    return this.#update;
  }

  /**
   * What each entry of the last update may be off by, if arithmetic rounds to `unitRoundoff`: δ, of the size of the tensor's
   * largest gradient, averaged and divided as the update was.
   */
  updateErrors(unitRoundoff: number): Float64Array {
    const { optimizer, biasCorrectionPower1, biasCorrectionPower2, beta1, beta2 } = this.#rules;
    const step = this.#step - 1;
    const correction1 = correction(beta1, biasCorrectionPower1(step));
    const correction2 = correction(beta2, biasCorrectionPower2(step));
    const rate = this.#rate(step);
    const scale = ROUNDINGS * unitRoundoff;
    const hasRoot = optimizer !== 'sgd' && optimizer !== 'momentum' && optimizer !== 'sign';
    return this.#update.map((update, i) => {
      const slack = 16 * unitRoundoff * (Math.abs(this.#parameters[i]) + Math.abs(update) + this.#task.learningRate);
      const off = (scale * this.#firstError[i]) / correction1;
      if (!hasRoot) return slack + rate * off;
      const root = Math.sqrt(this.#secondMoment[i] / correction2);
      const rootError = scale * Math.sqrt(this.#secondError[i] / correction2);
      const least = Math.max(0, root - rootError) + 1e-8;
      const swing = (rate * off + Math.abs(update) * rootError) / least;
      return slack + Math.min(swing, 4 * rate + Math.abs(update));
    });
  }

  #lossAndGradient(): { readonly loss: number; readonly computeGradient: () => void } {
    const { tokens, offsets, batch } = this.#task;
    const { document, documentsWeigh, batchLossWeight, batchWeight, gradientsZeroed } = this.#rules;
    const documents = offsets.length - 1;
    const chosen = Array.from({ length: batch }, (_, b) => document(this.#step, b, batch, documents));
    const positions = chosen.map((d) => offsets[d + 1] - offsets[d] - 1);
    const mean = positions.reduce((sum, n) => sum + n, 0) / batch;
    let sum = 0;
    const added = chosen.map((d, b) => {
      const weight = documentsWeigh === 'equally' ? 1 : positions[b] / mean;
      const document = tokens.subarray(offsets[d], offsets[d + 1]);
      const { loss, addGradient } = this.#model.document(document, weight * batchWeight(batch));
      sum += weight * batchLossWeight(batch) * loss;
      return addGradient;
    });
    const computeGradient = () => {
      if (gradientsZeroed) this.#gradient.fill(0);
      for (const add of added) add();
    };
    return { loss: sum, computeGradient };
  }

  #clip(): void {
    const gradient = this.#gradient;
    if (this.#rules.clip === 'entries') {
      for (let i = 0; i < gradient.length; i++) gradient[i] = Math.min(CLIP, Math.max(-CLIP, gradient[i]));
    }
    if (this.#rules.clip !== 'norm') return;
    const norm = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0));
    if (norm > CLIP) for (let i = 0; i < gradient.length; i++) gradient[i] *= CLIP / norm;
  }

  #rate(step: number): number {
    return this.#task.learningRate * this.#rules.decay(step, this.#task.numSteps);
  }

  /** Adam, with step counted from 0, or what the rules put in its place. */
  #takeUpdate(): void {
    const {
      beta1,
      beta2,
      firstMomentShare = 1 - beta1,
      secondMomentShare = 1 - beta2,
      weightDecay,
      optimizer,
    } = this.#rules;
    const rate = this.#rate(this.#step);
    const leftOut = this.#leftOut();
    const secondShare = optimizer === 'adagrad' ? 1 : secondMomentShare;
    const secondKept = optimizer === 'adagrad' ? 1 : beta2;
    const direction = this.#direction();
    const errors = this.#gradientErrors();
    for (let i = 0; i < this.#parameters.length; i++) {
      this.#update[i] = 0;
      if (leftOut(i)) continue;
      const decayed = weightDecay.amount * this.#parameters[i];
      const g = this.#gradient[i] + (weightDecay.place === 'gradient' ? decayed : 0);
      const error = errors(i);
      this.#firstMoment[i] = beta1 * this.#firstMoment[i] + firstMomentShare * g;
      this.#secondMoment[i] = secondKept * this.#secondMoment[i] + secondShare * g * g;
      this.#firstError[i] = beta1 * this.#firstError[i] + firstMomentShare * error;
      this.#secondError[i] = secondKept * this.#secondError[i] + secondShare * error * error;
      const update = rate * (direction(i, g) + (weightDecay.place === 'parameters' ? decayed : 0));
      this.#update[i] = update;
      this.#parameters[i] -= update;
    }
  }

  /** What the learning rate is multiplied by. */
  #direction(): (index: number, gradient: number) => number {
    const { beta1, beta2, epsilon, epsilonPlace, optimizer } = this.#rules;
    const correction1 = correction(beta1, this.#rules.biasCorrectionPower1(this.#step));
    const correction2 = correction(beta2, this.#rules.biasCorrectionPower2(this.#step));
    const nextCorrection1 = 1 - beta1 ** (this.#step + 2);
    const root = (i: number) => {
      const variance = this.#secondMoment[i] / (optimizer === 'adagrad' ? 1 : correction2);
      if (optimizer === 'adam without the root') return variance + epsilon;
      if (optimizer === 'amsgrad') {
        this.#highest[i] = Math.max(this.#highest[i], variance);
        return Math.sqrt(this.#highest[i]) + epsilon;
      }
      if (epsilonPlace === 'inside the root') return Math.sqrt(variance + epsilon);
      return Math.sqrt(variance) + (epsilonPlace === 'beside the root' ? epsilon : epsilon / Math.sqrt(correction2));
    };
    switch (optimizer) {
      case 'sgd':
        return (_, g) => g;
      case 'sign':
        return (_, g) => Math.sign(g);
      case 'momentum':
        return (i) => this.#firstMoment[i];
      case 'rmsprop':
      case 'adagrad':
        return (i, g) => g / root(i);
      case 'nadam':
        return (i, g) => ((beta1 * this.#firstMoment[i]) / nextCorrection1 + ((1 - beta1) * g) / correction1) / root(i);
      case 'nadam of one correction':
        return (i, g) => (beta1 * this.#firstMoment[i] + (1 - beta1) * g) / correction1 / root(i);
      default:
        return (i) => this.#firstMoment[i] / correction1 / root(i);
    }
  }

  /** What rounding is relative to: an entry that no term reached is exactly 0, except for scores, whose terms cancel. */
  #gradientErrors(): (index: number) => number {
    const largest = new Float64Array(this.#parameters.length);
    let ofValues = 0;
    for (const { name, offset, rows, columns } of [...this.#layout].reverse()) {
      const end = offset + rows * columns;
      let size = 0;
      for (let i = offset; i < end; i++) size = Math.max(size, Math.abs(this.#gradient[i]));
      if (name.endsWith('attn_wv')) ofValues = size;
      largest.fill(/attn_w[qk]$/.test(name) ? Math.max(size, ofValues) : size, offset, end);
      if (/attn_w[qk]$/.test(name)) continue;
      for (let i = offset; i < end; i++) if (this.#gradient[i] === 0) largest[i] = 0;
    }
    return (index) => largest[index];
  }

  #leftOut(): (index: number) => boolean {
    const { leavesOut } = this.#rules;
    if (leavesOut === 'nothing') return () => false;
    if (leavesOut === 'idle entries') return (index) => this.#gradient[index] === 0;
    const names = ['wte', 'wpe'].filter((name) => leavesOut.includes(name));
    const idle = new Uint8Array(this.#parameters.length);
    for (const { name, rows, columns, offset } of this.#layout) {
      if (!names.includes(name)) continue;
      for (let at = offset; at < offset + rows * columns; at += columns) {
        if (this.#gradient.subarray(at, at + columns).every((g) => g === 0)) idle.fill(1, at, at + columns);
      }
    }
    return (index) => idle[index] === 1;
  }
}

/** Of a bias: undefined power, no correction. */
function correction(beta: number, power: number | undefined): number {
  return power === undefined ? 1 : 1 - beta ** power;
}
