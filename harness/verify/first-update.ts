import type { TrainingTask } from '../../impls/contract.ts';
import type { Precision } from '../program/manifest.ts';
import type { ParameterMatrix } from '../task/parameter-layout.ts';
import { baseTolerance } from './gate.ts';
import { checkTensors, gradientTolerances, type TensorFinding } from './tensor-check.ts';

const EPSILON = 1e-8;

/**
 * Adam's first step: with both moments corrected for their bias, `m̂ = g` and `√v̂ = |g|`, so the step is `lr · g / (|g| + ε)`,
 * whatever the β are (Kingma and Ba, "Adam", 2015, algorithm 1, at t = 1).
 */
export function firstUpdate(gradient: number, learningRate: number): number {
  return (learningRate * gradient) / (Math.abs(gradient) + EPSILON);
}

/** The parameters after step 1, from the gradient of step 1. */
export function parametersAfterFirstStep(task: TrainingTask, gradient: Float64Array): Float64Array {
  return task.parameters.map((start, index) => start - firstUpdate(gradient[index], task.learningRate));
}

/**
 * Parameters after step 1, tensor by tensor. The update is steep where the gradient is near zero (it is nearly the gradient's
 * sign), so what rounding may do to the gradient is carried through it: an entry is allowed `|u(g + δ) - u(g - δ)|`
 * and the base tolerance of the learning rate and of its own size.
 */
export function checkUpdate(
  layout: readonly ParameterMatrix[],
  expected: Float64Array,
  gradient: Float64Array,
  learningRate: number,
  actual: Float64Array,
  precision: Precision,
): readonly TensorFinding[] {
  const deltas = gradientTolerances(layout, gradient, precision);
  return checkTensors(layout, expected, actual, (index) => {
    const [g, delta] = [gradient[index], deltas[index]];
    const swing = firstUpdate(g + delta, learningRate) - firstUpdate(g - delta, learningRate);
    return baseTolerance[precision] * (learningRate + Math.abs(expected[index])) + Math.abs(swing);
  });
}
