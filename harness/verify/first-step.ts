import type { Precision } from '../program/manifest.ts';
import type { TrainerProcess } from '../program/trainer-process.ts';
import { parameterLayout } from '../task/parameter-layout.ts';
import type { Expectation } from './expectation.ts';
import { checkUpdate, parametersAfterFirstStep } from './first-update.ts';
import { checkGradients, type TensorFinding } from './tensor-check.ts';

/** The first step of an implementation, and how its gradient and its update compare with the reference's. */
export interface FirstStep {
  readonly loss: number;
  readonly nanoseconds: number;
  /** What it shows as the gradient of the first loss, where it stores one. */
  readonly gradient?: Float64Array;
  readonly parameters: Float64Array;
  readonly gradientFindings?: readonly TensorFinding[];
  readonly parameterFindings: readonly TensorFinding[];
}

/**
 * Trains the first step of a fresh trainer and compares gradient and parameters tensor by tensor: losses alone leave open
 * what training is too chaotic to show.
 */
export async function trainFirstStep(
  trainer: TrainerProcess,
  { task, firstGradient }: Expectation,
  precision: Precision,
): Promise<FirstStep> {
  const { model, learningRate } = task.training;
  const layout = parameterLayout(model);
  const gradient = await trainer.gradients();
  const { losses, nanoseconds } = await trainer.train(1);
  const parameters = await trainer.parameters();
  const updated = parametersAfterFirstStep(task.training, firstGradient);
  return {
    loss: losses[0],
    nanoseconds,
    parameters,
    parameterFindings: checkUpdate(layout, updated, firstGradient, learningRate, parameters, precision),
    ...(gradient === undefined
      ? {}
      : { gradient, gradientFindings: checkGradients(layout, firstGradient, gradient, precision) }),
  };
}

/** Says which tensors of the first step are off, or undefined where all agree. `lossAgrees` is said first. */
export function describeDisagreement(first: FirstStep, lossAgrees: boolean): string | undefined {
  const about =
    disagreement('gradient', first.gradientFindings ?? []) ??
    disagreement('updated parameters', first.parameterFindings);
  if (about === undefined) return undefined;
  return `step 1: loss ${lossAgrees ? 'agrees' : 'is off'}, ${about}`;
}

/** How many tensors are named before the rest is only counted. */
const TENSORS_NAMED = 3;

function disagreement(what: string, findings: readonly TensorFinding[]): string | undefined {
  const off = findings.filter((finding) => !finding.agrees);
  if (off.length === 0) return undefined;
  const named = off.slice(0, TENSORS_NAMED).map(({ tensor, maxError }) => `${tensor} by ${howMuch(maxError)}`);
  const more = off.length > TENSORS_NAMED ? ` and ${off.length - TENSORS_NAMED} more` : '';
  const agreeing = findings.filter((finding) => finding.agrees).map(({ tensor }) => tensor);
  const rest =
    agreeing.length === 0 ? 'no tensor agrees' : `${agreeing.join(', ')} ${agreeing.length === 1 ? 'agrees' : 'agree'}`;
  return `${what} off: ${named.join(', ')}${more} (${rest})`;
}

function howMuch(error: number): string {
  return Number.isFinite(error) ? error.toExponential(1) : 'what is not finite';
}
