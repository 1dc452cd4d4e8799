import type { Precision } from '../program/manifest.ts';
import type { Expectation } from '../verify/expectation.ts';
import { describeDisagreement, type FirstStep } from '../verify/first-step.ts';
import type { LossMismatch, LossVerdict, VerifiedLosses } from '../verify/gate.ts';
import { diagnose } from './diagnose.ts';

/** Why an implementation is wrong. */
export interface Mismatch {
  readonly status: 'mismatch';
  /** One line: where it first differs, what was expected and what came. */
  readonly reason: string;
  /** What is known of the fault beyond that, in the model's terms. */
  readonly diagnosis: readonly string[];
  readonly stepsVerified: number;
  readonly maxLossError: number | null;
  readonly tolerance: number;
  /** Left out where all losses agree and something else does not. */
  readonly firstMismatch?: LossMismatch;
}

/** Weighs losses and first step together; looks for the fault where there is one. */
export function judge(
  first: FirstStep,
  losses: Float64Array,
  verdict: LossVerdict,
  expectation: Expectation,
  precision: Precision,
): VerifiedLosses | Mismatch {
  const firstMismatch = verdict.status === 'mismatch' ? verdict.firstMismatch : undefined;
  const tensors = describeDisagreement(first, firstMismatch?.step !== 1);
  if (verdict.status === 'verified' && tensors === undefined) return verdict;

  const evidence = { losses, gradient: first.gradient, parametersAfterFirstStep: first.parameters };
  const fault = diagnose(expectation.task.training, evidence, precision, expectation.gates, firstMismatch?.step);
  const diagnosis = [
    ...(tensors === undefined ? [] : [tensors]),
    fault === undefined ? 'none of the usual faults explains this' : `this is what comes out when ${fault}`,
  ];
  const { stepsVerified, maxLossError, tolerance } = verdict;
  return {
    status: 'mismatch',
    reason: firstMismatch === undefined ? (tensors ?? '') : describeLoss(firstMismatch, tolerance),
    diagnosis,
    stepsVerified,
    maxLossError,
    tolerance,
    ...(firstMismatch === undefined ? {} : { firstMismatch }),
  };
}

function describeLoss({ step, expected, actual }: LossMismatch, tolerance: number): string {
  const came =
    actual === null
      ? 'came one that is not finite'
      : `came ${actual}, off by ${Math.abs(actual - expected).toExponential(1)}`;
  return `step ${step}: expected a loss of ${expected}, ${came} (allowed ${tolerance.toExponential(1)})`;
}
