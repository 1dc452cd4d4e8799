import type { TrainingTask } from '../../impls/contract.ts';
import type { Precision } from '../program/manifest.ts';
import { Float64Model, type HiddenUnit, ROUNDINGS } from './float64-model.ts';
import { checkTensors, type TensorFinding } from './tensor-check.ts';

const BETA_1 = 0.85;
const BETA_2 = 0.99;
const EPSILON = 1e-8;

/** Half a unit in the last place of 1: what one rounding may move a number by, relative to it. */
export const unitRoundoff: Readonly<Record<Precision, number>> = { float32: 2 ** -24, float64: 2 ** -53 };

/** Logits and scores of this size round by no more than the sums around them do. */
const MODEST_SCALE = 16;
/** 2^6 ways to take relus on either side of zero. */
const MOST_DOUBTFUL = 6;

interface Deviation {
  readonly expected: number;
  readonly actual: number;
  readonly error: number;
  readonly allowed: number;
}

interface ParameterEntry {
  readonly tensor: string;
  readonly row: number;
  readonly column: number;
}

/** One step compared with what it should have been from its own state. */
export interface StepFinding {
  readonly loss: Deviation;
  /** The parameter furthest beyond what is allowed, or nearest to it. */
  readonly update: ParameterEntry & Deviation;
  /** The worse error over what is allowed: above 1 the step is wrong, Infinity if something is not finite. */
  readonly fractionOfBound: number;
}

/**
 * Checks a trainer one step at a time, each from the trainer's own parameters, so that rounding never adds up: a single step is
 * not chaotic, at any size. Computes the moments that Adam must have from its own gradients.
 *
 * The bound is made of rounding alone. With u the unit roundoff and δ = 64 u · (largest gradient of the tensor), δ_m and δ_v
 * its averages as Adam forms those of g and g², an update may be off by `lr · (δ_m / (√v̂ - δ_v + ε) + |m̂| δ_v / ((√v̂ +
 * ε)(√v̂ - δ_v + ε))) + 4u (|θ| + |update| + learning rate)`. That follows from `|√v̂ - √v̂'| ≤ √(average of (g - g')²)`, by
 * the triangle inequality. An entry that no term reaches (a row of wte that no token chose) has a gradient of exactly 0 in any
 * arithmetic, so δ = 0.
 */
export class Teacher {
  readonly #task: TrainingTask;
  readonly #unitRoundoff: number;
  readonly #model: Float64Model;
  #moments: Moments;
  #next: Moments;
  /** What the next step should lead to, and what each entry may be off by. */
  readonly #expected: Float64Array;
  readonly #allowed: Float64Array;
  #step = 0;
  #firstDocument = 0;

  constructor(task: TrainingTask, precision: Precision) {
    this.#task = task;
    this.#unitRoundoff = unitRoundoff[precision];
    this.#model = new Float64Model(task);
    this.#moments = emptyMoments(task.parameters.length);
    this.#next = emptyMoments(task.parameters.length);
    this.#expected = new Float64Array(task.parameters.length);
    this.#allowed = new Float64Array(task.parameters.length);
  }

  /** Back to step 0, whose batch begins with `firstDocument`. */
  restart(firstDocument: number = 0): void {
    this.#step = 0;
    this.#firstDocument = firstDocument;
    for (const moment of Object.values(this.#moments)) moment.fill(0);
  }

  /** The first entry that is not its start parameter, exact or rounded to the declared precision; undefined if all are. */
  wrongStart(
    parameters: Float64Array,
  ): (ParameterEntry & { readonly expected: number; readonly actual: number }) | undefined {
    const index = this.#task.parameters.findIndex(
      (start, i) => !(Math.abs(parameters[i] - start) <= this.#slack(Math.abs(start))),
    );
    if (index === -1) return undefined;
    return { ...this.#entry(index), expected: this.#task.parameters[index], actual: parameters[index] };
  }

  /** Judges the next step. @param before parameters that the step started from, as the trainer shows them */
  check(before: Float64Array, after: Float64Array, loss: number): StepFinding {
    let finding = this.#judge(before, after, loss, []);
    if (finding.fractionOfBound > 1) finding = this.#tryOtherSides(before, after, loss) ?? finding;
    [this.#moments, this.#next] = [this.#next, this.#moments];
    this.#step++;
    return finding;
  }

  /** Loss of the next step, and the parameters that it leads to, without a trainer. */
  predict(before: Float64Array): { readonly loss: number; readonly after: Float64Array } {
    const loss = this.#model.lossAt(before, this.#documentOf(this.#step));
    this.#update(before);
    [this.#moments, this.#next] = [this.#next, this.#moments];
    this.#step++;
    return { loss, after: this.#expected.slice() };
  }

  /** The update of the next step, tensor by tensor; judges nothing. */
  compareUpdate(before: Float64Array, after: Float64Array): readonly TensorFinding[] {
    this.#model.lossAt(before, this.#documentOf(this.#step));
    this.#update(before);
    return checkTensors(this.#model.layout, this.#expected, after, (i) => this.#allowed[i]);
  }

  /** The gradient of the next step's loss, tensor by tensor. */
  compareGradient(parameters: Float64Array, gradient: Float64Array): readonly TensorFinding[] {
    this.#model.lossAt(parameters, this.#documentOf(this.#step));
    const deltas = new Float64Array(gradient.length);
    for (const [tensor, { offset, rows, columns }] of this.#model.layout.entries()) {
      deltas.fill(this.#gradientError(tensor), offset, offset + rows * columns);
    }
    return checkTensors(this.#model.layout, this.#model.gradient, gradient, (i) => deltas[i]);
  }

  #documentOf(step: number): number {
    const { offsets, batch } = this.#task;
    return (this.#firstDocument + step * batch) % (offsets.length - 1);
  }

  /** If a relu lies within rounding of zero, a right trainer may have taken the other side. */
  #tryOtherSides(before: Float64Array, after: Float64Array, loss: number): StepFinding | undefined {
    this.#model.lossAt(before, this.#documentOf(this.#step), [], this.#unitRoundoff);
    const doubtful = this.#model.doubtful.slice(0, MOST_DOUBTFUL);
    for (let choice = 1; choice < 2 ** doubtful.length; choice++) {
      const flipped = doubtful.filter((_, unit) => (choice >> unit) % 2 === 1);
      const finding = this.#judge(before, after, loss, flipped);
      if (finding.fractionOfBound <= 1) return finding;
    }
    // The next steps are judged by the moments of the first choice.
    if (doubtful.length > 0) this.#judge(before, after, loss, []);
    return undefined;
  }

  #judge(before: Float64Array, after: Float64Array, loss: number, flipped: readonly HiddenUnit[]): StepFinding {
    const expectedLoss = this.#model.lossAt(before, this.#documentOf(this.#step), flipped);
    const lossDeviation = this.#lossDeviation(expectedLoss, loss);
    this.#update(before);
    let [fraction, index] = [-1, 0];
    for (let i = 0; i < after.length; i++) {
      const error = distance(this.#expected[i], after[i]);
      if (error <= this.#allowed[i] * fraction) continue;
      const own = fractionOf(error, this.#allowed[i]);
      if (own > fraction) [fraction, index] = [own, i];
    }
    const [expected, actual] = [this.#expected[index], after[index]];
    return {
      loss: lossDeviation,
      update: {
        ...this.#entry(index),
        expected,
        actual,
        error: distance(expected, actual),
        allowed: this.#allowed[index],
      },
      fractionOfBound: Math.max(fraction, fractionOf(lossDeviation.error, lossDeviation.allowed)),
    };
  }

  /** Losses round as their logits do. */
  #lossDeviation(expected: number, actual: number): Deviation {
    const allowed = (ROUNDINGS / 2) * this.#unitRoundoff * (Math.abs(expected) + this.#model.logitScale);
    return { expected, actual, error: distance(expected, actual), allowed };
  }

  /** Takes the gradient of the last loss into `#next`, and sets `#expected` and `#allowed`. */
  #update(before: Float64Array): void {
    const [expected, allowed] = [this.#expected, this.#allowed];
    const { gradient, layout } = this.#model;
    const { m: oldM, v: oldV, dm: oldDm, dv: oldDv } = this.#moments;
    const { m: newM, v: newV, dm: newDm, dv: newDv } = this.#next;
    const correction1 = 1 - BETA_1 ** (this.#step + 1);
    const correction2 = 1 - BETA_2 ** (this.#step + 1);
    const rate = this.#task.learningRate * (1 - this.#step / this.#task.numSteps);
    const mostRatio = largestRatio(this.#step + 1);
    for (const [tensor, { offset, rows, columns }] of layout.entries()) {
      const end = offset + rows * columns;
      const delta = this.#gradientError(tensor);
      const isExactZero = !/attn_w[qk]$/.test(layout[tensor].name);
      for (let i = offset; i < end; i++) {
        const g = gradient[i];
        const d = g === 0 && isExactZero ? 0 : delta;
        const m = BETA_1 * oldM[i] + (1 - BETA_1) * g;
        const v = BETA_2 * oldV[i] + (1 - BETA_2) * g * g;
        const dm = BETA_1 * oldDm[i] + (1 - BETA_1) * d;
        const dv = BETA_2 * oldDv[i] + (1 - BETA_2) * d * d;
        newM[i] = m;
        newV[i] = v;
        newDm[i] = dm;
        newDv[i] = dv;
        const root = Math.sqrt(v / correction2);
        const rootError = Math.sqrt(dv / correction2);
        const mean = m / correction1;
        const least = Math.max(0, root - rootError) + EPSILON;
        const ratio = mean / (root + EPSILON);
        const off = (dm / correction1 + Math.abs(ratio) * rootError) / least;
        // No gradients can make Adam step further.
        const most = mostRatio + Math.abs(ratio);
        const update = rate * ratio;
        expected[i] = before[i] - update;
        allowed[i] = rate * Math.min(off, most) + this.#slack(Math.abs(before[i]) + Math.abs(update));
      }
    }
  }

  #entry(index: number): ParameterEntry {
    const matrix = this.#model.layout.findLast(({ offset }) => offset <= index) ?? this.#model.layout[0];
    const within = index - matrix.offset;
    return { tensor: matrix.name, row: Math.floor(within / matrix.columns), column: within % matrix.columns };
  }

  #slack(size: number): number {
    return 4 * this.#unitRoundoff * (size + this.#task.learningRate);
  }

  /** What rounding may move any entry of a tensor's gradient by. */
  #gradientError(tensor: number): number {
    const { layout, gradient, cancelling, logitScale, scoreScale, saturation } = this.#model;
    const { offset, rows, columns } = layout[tensor];
    let scale = cancelling[tensor];
    for (let i = offset; i < offset + rows * columns; i++) scale = Math.max(scale, Math.abs(gradient[i]));
    const exponents = Math.max(1, logitScale / MODEST_SCALE, scoreScale / MODEST_SCALE);
    return ROUNDINGS * this.#unitRoundoff * exponents * saturation * scale;
  }
}

/** Averages of g and g², and of what rounding may have moved g by: `dm` of δ, `dv` of δ². Not corrected for their bias. */
function emptyMoments(count: number) {
  const [m, v, dm, dv] = [0, 0, 0, 0].map(() => new Float64Array(count));
  return { m, v, dm, dv };
}

type Moments = ReturnType<typeof emptyMoments>;

/**
 * The most that `|m̂| / √v̂` can be after so many steps, by the Cauchy-Schwarz inequality: the root of `Σ a² / b`, where a and
 * b are the weights of a gradient in m̂ and in v̂.
 */
function largestRatio(steps: number): number {
  const quotient = BETA_1 ** 2 / BETA_2;
  const sum = (1 - quotient ** steps) / (1 - quotient);
  const corrections = (1 - BETA_2 ** steps) / (1 - BETA_1 ** steps) ** 2;
  return Math.sqrt(((1 - BETA_1) ** 2 / (1 - BETA_2)) * sum * corrections);
}

/** NaN agrees with NaN alone. */
function distance(expected: number, actual: number): number {
  if (Number.isNaN(expected) && Number.isNaN(actual)) return 0;
  const error = Math.abs(expected - actual);
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}

function fractionOf(error: number, allowed: number): number {
  return error === 0 ? 0 : error / allowed;
}

/** What is wrong with a step, in one line; `step` is counted from 1. */
export function describeFinding({ loss, update }: StepFinding, step: number): string {
  if (!(loss.error <= loss.allowed)) return `step ${step}: ${describeDeviation('a loss', loss)}`;
  const { tensor, row, column } = update;
  return `step ${step}: ${describeDeviation(`${tensor}[${row}][${column}]`, update)}`;
}

function describeDeviation(what: string, { expected, actual, error, allowed }: Deviation): string {
  const off = Number.isFinite(actual) ? `${actual}, off by ${error.toExponential(1)}` : 'one that is not finite';
  return `expected ${what} of ${expected}; got ${off} (allowed ${allowed.toExponential(1)})`;
}
