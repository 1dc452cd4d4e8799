import type { TrainingTask } from '../../impls/contract.ts';
import { parameterLayout } from '../task/parameter-layout.ts';
import { modelGradient } from './model-gradient.ts';
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
export function rulesTrainer(task: TrainingTask, rules: TrainingRules = correctRules, start = task.parameters) {
  const zeros = () => new Float64Array(start.length);
  const layout = parameterLayout(task.model);
  const parameters = start.slice();
  const [gradient, unclippedGradient, update] = [zeros(), zeros(), zeros()];
  const [firstMoment, secondMoment] = [zeros(), zeros()];
  /** Averages of δ and δ²: what rounding may have moved the moments by. */
  const [firstError, secondError] = [zeros(), zeros()];
  /** Largest second moment so far, corrected. */
  const highest = zeros();
  const lossOfDocument = modelGradient(task.model, rules, parameters, gradient);
  let step = 0;

  const rateAt = (step: number) => task.learningRate * rules.decay(step, task.numSteps);
  const correction1 = (step: number) => correction(rules.beta1, rules.biasCorrectionPower1(step));
  const correction2 = (step: number) => correction(rules.beta2, rules.biasCorrectionPower2(step));

  function lossAndGradient(): { readonly loss: number; readonly computeGradient: () => void } {
    const { tokens, offsets, batch } = task;
    const documents = offsets.length - 1;
    const chosen = Array.from({ length: batch }, (_, b) => rules.document(step, b, batch, documents));
    const positions = chosen.map((d) => offsets[d + 1] - offsets[d] - 1);
    const mean = positions.reduce((sum, n) => sum + n, 0) / batch;
    let loss = 0;
    const added = chosen.map((d, b) => {
      const weight = rules.documentsWeigh === 'equally' ? 1 : positions[b] / mean;
      const document = lossOfDocument(tokens.subarray(offsets[d], offsets[d + 1]), weight * rules.batchWeight(batch));
      loss += weight * rules.batchLossWeight(batch) * document.loss;
      return document.addGradient;
    });
    const computeGradient = () => {
      if (rules.gradientsZeroed) gradient.fill(0);
      for (const add of added) add();
    };
    return { loss, computeGradient };
  }

  function clip(): void {
    if (rules.clip === 'entries') {
      for (let i = 0; i < gradient.length; i++) gradient[i] = Math.min(CLIP, Math.max(-CLIP, gradient[i]));
    }
    if (rules.clip !== 'norm') return;
    const norm = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0));
    if (norm > CLIP) for (let i = 0; i < gradient.length; i++) gradient[i] *= CLIP / norm;
  }

  /** Adam, with step counted from 0, or what the rules put in its place. */
  function takeUpdate(): void {
    const { beta1, beta2, weightDecay, optimizer } = rules;
    const { firstMomentShare = 1 - beta1, secondMomentShare = 1 - beta2 } = rules;
    const rate = rateAt(step);
    const isLeftOut = leftOut();
    const secondShare = optimizer === 'adagrad' ? 1 : secondMomentShare;
    const secondKept = optimizer === 'adagrad' ? 1 : beta2;
    const directionOf = direction();
    const errors = gradientErrors();
    for (let i = 0; i < parameters.length; i++) {
      update[i] = 0;
      if (isLeftOut(i)) continue;
      const decayed = weightDecay.amount * parameters[i];
      const g = gradient[i] + (weightDecay.place === 'gradient' ? decayed : 0);
      firstMoment[i] = beta1 * firstMoment[i] + firstMomentShare * g;
      secondMoment[i] = secondKept * secondMoment[i] + secondShare * g * g;
      firstError[i] = beta1 * firstError[i] + firstMomentShare * errors[i];
      secondError[i] = secondKept * secondError[i] + secondShare * errors[i] * errors[i];
      update[i] = rate * (directionOf(i, g) + (weightDecay.place === 'parameters' ? decayed : 0));
      parameters[i] -= update[i];
    }
  }

  /** What the learning rate is multiplied by. */
  function direction(): (index: number, gradient: number) => number {
    const { beta1, epsilon, epsilonPlace, optimizer } = rules;
    const [c1, c2] = [correction1(step), correction2(step)];
    const nextCorrection1 = 1 - beta1 ** (step + 2);
    const root = (i: number) => {
      const variance = secondMoment[i] / (optimizer === 'adagrad' ? 1 : c2);
      if (optimizer === 'adam without the root') return variance + epsilon;
      if (optimizer === 'amsgrad') {
        highest[i] = Math.max(highest[i], variance);
        return Math.sqrt(highest[i]) + epsilon;
      }
      if (epsilonPlace === 'inside the root') return Math.sqrt(variance + epsilon);
      return Math.sqrt(variance) + (epsilonPlace === 'beside the root' ? epsilon : epsilon / Math.sqrt(c2));
    };
    switch (optimizer) {
      case 'sgd':
        return (_, g) => g;
      case 'sign':
        return (_, g) => Math.sign(g);
      case 'momentum':
        return (i) => firstMoment[i];
      case 'rmsprop':
      case 'adagrad':
        return (i, g) => g / root(i);
      case 'nadam':
        return (i, g) => ((beta1 * firstMoment[i]) / nextCorrection1 + ((1 - beta1) * g) / c1) / root(i);
      case 'nadam of one correction':
        return (i, g) => (beta1 * firstMoment[i] + (1 - beta1) * g) / c1 / root(i);
      default:
        return (i) => firstMoment[i] / c1 / root(i);
    }
  }

  /** What rounding is relative to: an entry that no term reached is exactly 0, except for scores, whose terms cancel. */
  function gradientErrors(): Float64Array {
    const largest = zeros();
    let ofValues = 0;
    for (const { name, offset, rows, columns } of [...layout].reverse()) {
      const end = offset + rows * columns;
      let size = 0;
      for (let i = offset; i < end; i++) size = Math.max(size, Math.abs(gradient[i]));
      if (name.endsWith('attn_wv')) ofValues = size;
      largest.fill(/attn_w[qk]$/.test(name) ? Math.max(size, ofValues) : size, offset, end);
      if (/attn_w[qk]$/.test(name)) continue;
      for (let i = offset; i < end; i++) if (gradient[i] === 0) largest[i] = 0;
    }
    return largest;
  }

  function leftOut(): (index: number) => boolean {
    const { leavesOut } = rules;
    if (leavesOut === 'nothing') return () => false;
    if (leavesOut === 'idle entries') return (index) => gradient[index] === 0;
    const names = ['wte', 'wpe'].filter((name) => leavesOut.includes(name));
    const idle = new Uint8Array(parameters.length);
    for (const { name, rows, columns, offset } of layout) {
      if (!names.includes(name)) continue;
      for (let at = offset; at < offset + rows * columns; at += columns) {
        if (gradient.subarray(at, at + columns).every((g) => g === 0)) idle.fill(1, at, at + columns);
      }
    }
    return (index) => idle[index] === 1;
  }

  /**
   * Trains one step in two halves: a loss that is not wanted spares its gradient.
   * @param from parameters to start from; by default those that the last step ended with
   * @param known loss and gradient there, if the rules differ only in what is done with a gradient
   */
  function beginStep(
    from?: Float64Array,
    known?: LossAndGradient,
  ): { readonly loss: number; readonly finish: () => void } {
    if (from !== undefined) parameters.set(from);
    const { loss, computeGradient } =
      known === undefined
        ? lossAndGradient()
        : { loss: known.loss, computeGradient: () => gradient.set(known.gradient) };
    const finish = () => {
      computeGradient();
      unclippedGradient.set(gradient);
      clip();
      takeUpdate();
      step++;
    };
    return { loss, finish };
  }

  return {
    /** Current, of the last step's loss, the same before it was clipped, and what the last step took off each parameter. */
    ...{ parameters, gradient, unclippedGradient, update },
    beginStep,
    /** As `beginStep`, whole; returns the loss. */
    step: (from?: Float64Array): number => {
      const { loss, finish } = beginStep(from);
      finish();
      return loss;
    },
    /**
     * What each entry of the last update may be off by, if arithmetic rounds to `unitRoundoff`: δ, of the size of the tensor's
     * largest gradient, averaged and divided as the update was.
     */
    updateErrors: (unitRoundoff: number): Float64Array => {
      const rate = rateAt(step - 1);
      const scale = ROUNDINGS * unitRoundoff;
      const hasRoot = !['sgd', 'momentum', 'sign'].includes(rules.optimizer);
      const [c1, c2] = [correction1(step - 1), correction2(step - 1)];
      return update.map((size, i) => {
        const slack = 16 * unitRoundoff * (Math.abs(parameters[i]) + Math.abs(size) + task.learningRate);
        const off = (scale * firstError[i]) / c1;
        if (!hasRoot) return slack + rate * off;
        const root = Math.sqrt(secondMoment[i] / c2);
        const rootError = scale * Math.sqrt(secondError[i] / c2);
        const least = Math.max(0, root - rootError) + 1e-8;
        const swing = (rate * off + Math.abs(size) * rootError) / least;
        return slack + Math.min(swing, 4 * rate + Math.abs(size));
      });
    },
  };
}

/** Of a bias: undefined power, no correction. */
function correction(beta: number, power: number | undefined): number {
  return power === undefined ? 1 : 1 - beta ** power;
}
