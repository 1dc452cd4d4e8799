import type { TrainingTask } from '../../impls/contract.ts';
import type { Precision } from '../program/manifest.ts';
import { parameterLayout } from '../task/parameter-layout.ts';
import { checkUpdate } from '../verify/first-update.ts';
import { baseTolerance } from '../verify/gate.ts';
import { RulesTrainer } from '../verify/rules-trainer.ts';
import { checkGradients } from '../verify/tensor-check.ts';
import { correctRules } from '../verify/training-rules.ts';
import type { Evidence } from '../verify/verify-implementation.ts';
import { arrange, putBack } from './parameter-orders.ts';
import { type Suspect, suspects } from './suspects.ts';

/** Steps that are compared: further on, rounding may have grown in training that is not calm. */
const STEPS_COMPARED = 24;

/**
 * Names the fault of an implementation by trying: a model with each of the usual faults is trained on the same task, and
 * the one that does what the implementation did is what it suffers from. Undefined where none of them does.
 */
export function diagnose(evidence: Evidence, declared: Precision): string | undefined {
  const { task } = evidence;
  const seen = { ...evidence, losses: evidence.losses.subarray(0, STEPS_COMPARED) };
  const explains = (suspect: Suspect, precision: Precision) => behavesLike(task, suspect, seen, precision);
  const inSingle = 'computed in float32 where impl.json declares float64';

  const named = suspects(task.model).find((suspect) => explains(suspect, declared));
  if (named !== undefined) return named.fault;
  if (declared === 'float32') return undefined;
  if (explains({ fault: '', rules: correctRules }, 'float32')) return `losses are ${inSingle}`;
  const both = suspects(task.model).find((suspect) => explains(suspect, 'float32'));
  return both === undefined ? undefined : `${both.fault}; and losses are ${inSingle}`;
}

function behavesLike(task: TrainingTask, suspect: Suspect, evidence: Evidence, precision: Precision): boolean {
  const { reads, writes } = suspect;
  const start = reads === undefined ? task.parameters : arrange(task.parameters, reads);
  const inTaskOrder = (numbers: Float64Array) => (writes === undefined ? numbers : putBack(numbers, writes));
  const trainer = new RulesTrainer(task, suspect.rules, start);
  const layout = parameterLayout(task.model);
  for (let step = 0; step < evidence.losses.length; step++) {
    const loss = trainer.step();
    // Once numbers are not finite, which of them are is chance.
    if (!Number.isFinite(evidence.losses[step])) return !Number.isFinite(loss);
    if (!(Math.abs(loss - evidence.losses[step]) <= baseTolerance[precision])) return false;
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
