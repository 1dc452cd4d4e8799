import type { TrainingTask } from '../../impls/contract.ts';
import type { Precision } from '../program/manifest.ts';
import { parameterLayout } from '../task/parameter-layout.ts';
import { checkUpdate } from '../verify/first-update.ts';
import type { LossGate } from '../verify/gate.ts';
import { RulesTrainer } from '../verify/rules-trainer.ts';
import { checkGradients } from '../verify/tensor-check.ts';
import { correctRules } from '../verify/training-rules.ts';
import { arrange, putBack } from './parameter-orders.ts';
import { type Suspect, suspects } from './suspects.ts';

/** What an implementation was seen to do. */
export interface Evidence {
  /** Losses of the first steps, NaN where not finite. */
  readonly losses: Float64Array;
  /** Gradient of the first step's loss, where it shows one. */
  readonly gradient?: Float64Array | undefined;
  readonly parametersAfterFirstStep: Float64Array;
}

/** Steps compared beyond the first that is wrong: enough to tell one fault from another. */
export const STEPS_BEYOND_MISMATCH = 8;
/** A fault that no loss shows is looked for in so many. */
const STEPS_WITHOUT_MISMATCH = 16;

/**
 * Names the fault of an implementation by trying: a model with each of the usual faults is trained on the same task, and
 * the one that does what the implementation did is what it suffers from. Undefined where none of them does.
 */
export function diagnose(
  task: TrainingTask,
  evidence: Evidence,
  declared: Precision,
  gates: Readonly<Record<Precision, LossGate>>,
  firstMismatchStep: number | undefined,
): string | undefined {
  const steps = firstMismatchStep === undefined ? STEPS_WITHOUT_MISMATCH : firstMismatchStep + STEPS_BEYOND_MISMATCH;
  const seen = { ...evidence, losses: evidence.losses.subarray(0, steps) };
  const explains = (suspect: Suspect, precision: Precision) =>
    behavesLike(task, suspect, seen, precision, gates[precision]);
  const inSingle = 'computed in float32 where impl.json declares float64';

  const named = suspects(task.model).find((suspect) => explains(suspect, declared));
  if (named !== undefined) return named.fault;
  if (declared === 'float32') return undefined;
  if (explains({ fault: '', rules: correctRules }, 'float32')) return `losses are ${inSingle}`;
  const both = suspects(task.model).find((suspect) => explains(suspect, 'float32'));
  return both === undefined ? undefined : `${both.fault}; and losses are ${inSingle}`;
}

function behavesLike(
  task: TrainingTask,
  suspect: Suspect,
  evidence: Evidence,
  precision: Precision,
  gate: LossGate,
): boolean {
  const { reads, writes } = suspect;
  const start = reads === undefined ? task.parameters : arrange(task.parameters, reads);
  const inTaskOrder = (numbers: Float64Array) => (writes === undefined ? numbers : putBack(numbers, writes));
  const trainer = new RulesTrainer(task, suspect.rules, start);
  const layout = parameterLayout(task.model);
  for (let step = 0; step < Math.min(evidence.losses.length, gate.tolerances.length); step++) {
    if (!agree(trainer.step(), evidence.losses[step], gate.tolerances[step])) return false;
    if (step > 0) continue;
    const gradient = inTaskOrder(trainer.gradient);
    if (evidence.gradient !== undefined) {
      const findings = checkGradients(layout, gradient, evidence.gradient, precision);
      if (findings.some((finding) => !finding.agrees)) return false;
    }
    const parameters = inTaskOrder(trainer.parameters);
    const findings = checkUpdate(
      layout,
      parameters,
      gradient,
      task.learningRate,
      evidence.parametersAfterFirstStep,
      precision,
    );
    if (findings.some((finding) => !finding.agrees)) return false;
  }
  return true;
}

function agree(one: number, other: number, tolerance: number): boolean {
  return Math.abs(one - other) <= tolerance || (!Number.isFinite(one) && !Number.isFinite(other));
}
