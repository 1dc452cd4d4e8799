import { type ParameterMatrix, parameterLayout } from '../task/parameter-layout.ts';
import { checkTensors, type TensorFinding } from '../verify/tensor-check.ts';
import type { Evidence } from '../verify/verify-implementation.ts';
import type { Resolution } from './diagnose.ts';
import { rulesTrainer } from './rules-trainer.ts';

/** The others are only counted. */
const MOST_NAMED = 4;

/** How the numbers of a wrong implementation differ, in the first step that does: one sentence or two. */
export function describeDifference(
  { task, losses, parametersAfter, gradient }: Evidence,
  { roundoff, lossTolerance }: Resolution,
): readonly string[] {
  const layout = parameterLayout(task.model);
  const trainer = rulesTrainer(task);
  // What may be left over, relative to its size, if one vector is called a multiple of another.
  const rest = Math.max(1e-6, 2 ** 14 * roundoff);
  for (let step = 0; step < losses.length; step++) {
    const shown = step === 0 ? task.parameters : parametersAfter[step - 1];
    if (shown === undefined) return [];
    const loss = trainer.step(shown);
    if (!(Math.abs(loss - losses[step]) <= lossTolerance * Math.max(1, Math.abs(loss)))) {
      const off = Number.isFinite(losses[step]) ? `${times(losses[step] / loss)} the reference's` : 'not finite';
      if (step === 0) return [`the first loss is ${off}: look at the forward pass`];
      return [
        `the loss of step ${step + 1} is ${off}, computed from the row's own parameters, and the steps before it agree: look at which documents it takes, and at what a step leaves behind`,
      ];
    }
    if (step === 0 && gradient !== undefined) {
      const off = namesOff(compareGradients(layout, trainer.gradient, gradient, roundoff));
      if (off.length > 0) return gradientIsOff(layout, off, { expected: trainer.gradient, actual: gradient, rest });
    }
    const after = parametersAfter[step];
    if (after === undefined) return [];
    const errors = trainer.updateErrors(roundoff);
    const off = namesOff(checkTensors(layout, trainer.parameters, after, (index) => errors[index]));
    if (off.length === 0) continue;
    return updateIsOff(layout, off, {
      step,
      expected: trainer.update,
      actual: shown.map((before, i) => before - after[i]),
      parameters: shown,
      rate: task.learningRate * (1 - step / task.numSteps),
      rest,
      gradientAgrees: step === 0 && gradient !== undefined,
    });
  }
  return [];
}

/** Tensor by tensor; sums round in proportion to their largest terms. */
export function compareGradients(
  layout: readonly ParameterMatrix[],
  expected: Float64Array,
  actual: Float64Array,
  roundoff: number,
): readonly TensorFinding[] {
  const tolerances = new Float64Array(expected.length);
  for (const { offset, rows, columns } of layout) {
    const end = offset + rows * columns;
    let largest = 0.01;
    for (let i = offset; i < end; i++) largest = Math.max(largest, Math.abs(expected[i]));
    tolerances.fill(256 * roundoff * largest, offset, end);
  }
  return checkTensors(layout, expected, actual, (index) => tolerances[index]);
}

function namesOff(findings: readonly TensorFinding[]): readonly string[] {
  return findings.filter(({ agrees }) => !agrees).map(({ tensor }) => tensor);
}

interface Numbers {
  readonly expected: Float64Array;
  readonly actual: Float64Array;
  readonly rest: number;
}

function gradientIsOff(
  layout: readonly ParameterMatrix[],
  off: readonly string[],
  numbers: Numbers,
): readonly string[] {
  const everywhere = off.length === layout.length ? multiple(numbers) : undefined;
  if (everywhere !== undefined) return [`the gradient is ${times(everywhere)} the reference's, in every tensor`];
  return [...proportions('gradient', layout, off, numbers).sentences, ...whereToLook(layout, off)];
}

interface Update extends Numbers {
  readonly step: number;
  readonly parameters: Float64Array;
  readonly rate: number;
  readonly gradientAgrees: boolean;
}

function updateIsOff(layout: readonly ParameterMatrix[], off: readonly string[], update: Update): readonly string[] {
  const { step, expected, actual, parameters, rate, rest, gradientAgrees } = update;
  const at = `step ${step + 1}`;
  const everywhere = multiple({ expected, actual, rest });
  if (everywhere === 0) {
    return [`no parameter moves in ${at}: look at what \`train\` updates and what \`parameters\` shows`];
  }
  if (everywhere !== undefined)
    return [`the update of ${at} is ${times(everywhere)} the reference's: look at the learning rate`];
  const difference = actual.map((u, i) => u - expected[i]);
  // The difference is small beside the parameters, so rounding is large beside it.
  const decay = multiple({ expected: parameters, actual: difference, rest: Math.sqrt(rest) });
  if (decay !== undefined) {
    return [
      `the update of ${at} is the reference's and ${(decay / rate).toPrecision(3)} · learning rate · θ: weight decay`,
    ];
  }
  const { sentences: proportional, explained } = proportions(`update of ${at}`, layout, off, update);
  if (explained === off.length) return proportional;
  if (step > 0 || gradientAgrees) {
    const before = step > 0 ? `the update agrees up to step ${step}` : 'the gradient agrees';
    return [
      ...proportional,
      `${before}, the update of ${at} does not${off.length < layout.length ? ` in ${listed(off)}` : ''}: look at Adam's moments, its bias correction and the learning rate`,
    ];
  }
  return [...proportional, ...whereToLook(layout, off)];
}

/** Of tensors that are off by a factor, or do not move. */
function proportions(
  what: string,
  layout: readonly ParameterMatrix[],
  off: readonly string[],
  { expected, actual, rest }: Numbers,
): { readonly sentences: readonly string[]; readonly explained: number } {
  const factors = off.flatMap((tensor) => {
    const matrix = layout.find(({ name }) => name === tensor);
    if (matrix === undefined) return [];
    const range = [matrix.offset, matrix.offset + matrix.rows * matrix.columns] as const;
    const factor = multiple({ expected: expected.subarray(...range), actual: actual.subarray(...range), rest });
    return factor === undefined ? [] : [{ tensor, factor: factor === 0 ? 'zero' : `${times(factor)} the reference's` }];
  });
  const sentences = [...Map.groupBy(factors, ({ factor }) => factor)].map(
    ([factor, group]) => `the ${what} is ${factor} in ${listed(group.map(({ tensor }) => tensor))}`,
  );
  return { sentences, explained: factors.length };
}

/** The factor that makes one vector of the other, if there is one. */
function multiple({ expected, actual, rest }: Numbers): number | undefined {
  let products = 0;
  let squares = 0;
  let size = 0;
  for (let i = 0; i < expected.length; i++) {
    products += expected[i] * actual[i];
    squares += expected[i] ** 2;
    size += actual[i] ** 2;
  }
  if (size === 0 && squares > 0) return 0;
  const factor = products / squares;
  let left = 0;
  for (let i = 0; i < expected.length; i++) left += (actual[i] - factor * expected[i]) ** 2;
  // A factor of 1 explains nothing.
  if (Math.abs(factor - 1) <= 10 * rest) return undefined;
  return Math.sqrt(left) <= rest * Math.sqrt(size) ? factor : undefined;
}

/** With enough digits to tell the factor from 1. */
function times(factor: number): string {
  const digits = Math.max(3, 2 - Math.floor(Math.log10(Math.abs(factor - 1))));
  return `${factor.toPrecision(Math.min(15, digits))} ×`;
}

function listed(names: readonly string[]): string {
  if (names.length > MOST_NAMED)
    return `${names.slice(0, MOST_NAMED - 1).join(', ')} and ${names.length - MOST_NAMED + 1} more`;
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** What lies between tensors and those nearer the loss: the fault is there if their gradients are off and those are right. */
const between: Readonly<Record<string, string>> = {
  lm_head: 'the gradient of the logits',
  mlp_fc2: 'the backward pass of what follows the layer',
  mlp_fc1: 'the backward pass of mlp_fc2 and of relu',
  attn_wo: 'the backward pass of mlp_fc1, of the rmsnorm before it and of the residual around the MLP',
  attn_wv: 'the backward pass of attn_wo, and how values get their gradient from the positions that attend to them',
  'attn_wq attn_wk': "softmax's backward pass and the scale of the scores",
  attn_wq: 'how queries get their gradient from the scores',
  attn_wk: 'how keys get their gradient from the positions that attend to them',
  'wpe wte':
    'the backward pass of the products with attn_wq, attn_wk and attn_wv, of the rmsnorms around them and of the residual around attention',
  wpe: 'how the rows of wpe get their gradient',
  wte: 'how the rows of wte add up: a token may come more than once',
};

/**
 * Where a fault of the backward pass must be: between the tensor nearest to the loss whose gradient is off, and the loss.
 * @param off names of tensors that do not agree
 */
function whereToLook(layout: readonly ParameterMatrix[], off: readonly string[]): readonly string[] {
  const layers = layout.map(({ name }) => name).filter((name) => name.startsWith('layer'));
  const nearest = ['lm_head', ...layers.reverse(), 'wpe'].find((name) => off.includes(name)) ?? 'wte';
  const [queries, keys] = ['attn_wq', 'attn_wk'].map((kind) => nearest.replace(/attn_w[qk]$/, kind));
  const together = nearest === 'wpe' ? ['wpe', 'wte'] : queries === keys ? [nearest] : [queries, keys];
  const wrong = together.filter((name) => off.includes(name));
  const place = between[wrong.map((name) => name.replace(/^layer\d+\./, '')).join(' ')];
  if (off.length === layout.length) return [`no tensor agrees: look at ${place}`];
  return [
    `${nearest === 'lm_head' ? '' : `everything nearer the loss than ${wrong.join(' and ')} agrees: `}look at ${place}`,
  ];
}
