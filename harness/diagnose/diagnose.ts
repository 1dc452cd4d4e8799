import type { Precision } from '../program/manifest.ts';
import { parameterLayout } from '../task/parameter-layout.ts';
import { baseTolerance } from '../verify/gate.ts';
import { checkTensors } from '../verify/tensor-check.ts';
import type { Evidence, Mismatch } from '../verify/verify-implementation.ts';
import { compareGradients, describeDifference } from './difference.ts';
import { arrange, putBack } from './parameter-orders.ts';
import { type LossAndGradient, rulesTrainer } from './rules-trainer.ts';
import { type Suspect, suspects } from './suspects.ts';
import { correctRules } from './training-rules.ts';

const right: Suspect = { fault: '', rules: correctRules, firstLossIsRight: true };

const MOST_STEPS = 24;

/** If several explain what was seen. */
const MOST_NAMED = 2;

/** How finely numbers are told apart. */
export interface Resolution {
  readonly roundoff: number;
  readonly lossTolerance: number;
}

/** In float64 coarser than rounding: a fault moves numbers by far more, and derivatives by differences still count as what they are. */
const resolutions = {
  float64: { roundoff: 2 ** -40, lossTolerance: baseTolerance.float64 },
  float32: { roundoff: 2 ** -24, lossTolerance: baseTolerance.float32, round: Math.fround },
  float16: { roundoff: 2 ** -11, lossTolerance: 0.01, round: Math.f16round },
  bfloat16: { roundoff: 2 ** -8, lossTolerance: 0.1, round: bfloat16 },
};

/**
 * Names the fault of an implementation by trying: a model with each of the usual faults takes the same steps from the
 * parameters that the implementation showed; the one that does what the implementation did has its fault. If none does, says
 * how its numbers differ. Each string is a sentence without its full stop; none if the steps were right.
 */
export function diagnose(evidence: Evidence, declared: Precision): readonly string[] {
  const { task, losses, parametersAfter, gradient } = evidence;
  const rightAt = rightGradientsOf(evidence);
  const format = declared === 'float64' ? narrowFormat(parametersAfter) : undefined;
  const resolution = resolutions[format ?? declared];
  const narrow =
    format === undefined ? [] : [`every parameter is a ${format} number, where impl.json declares float64`];
  if (behavesLike(evidence, rightAt, right, resolution)) return narrow;

  const named = new Set<string>();
  const firstLossIsRight = agree(rightAt(0).loss, losses[0], resolution.lossTolerance);
  const firstGradientIsRight = gradient === undefined || sameGradient(task, rightAt(0).gradient, gradient, resolution);
  for (const suspect of suspects(task.model)) {
    if (named.size === MOST_NAMED) break;
    if (suspect.firstLossIsRight && !firstLossIsRight) continue;
    const showsRightGradient =
      suspect.firstLossIsRight && suspect.writes === undefined && suspect.writesGradients === undefined;
    if (showsRightGradient && !firstGradientIsRight) continue;
    const unseen = showsRightGradient ? { ...evidence, gradient: undefined } : evidence;
    if (behavesLike(unseen, rightAt, suspect, resolution)) named.add(suspect.fault);
  }
  if (named.size > 0) return [`this is what comes out when ${[...named].join(', or when ')}`, ...narrow];

  const lossFormat = declared === 'float64' ? narrowFormat([losses]) : undefined;
  if (format === undefined && lossFormat !== undefined) {
    const { lossTolerance } = resolutions[lossFormat];
    if (behavesLike(evidence, rightAt, right, { ...resolution, lossTolerance })) {
      return [`every loss is a ${lossFormat} number, where impl.json declares float64`];
    }
  }
  return [...narrow, ...describeDifference(evidence, resolution)];
}

function behavesLike(
  { task, losses, parametersAfter, gradient }: Evidence,
  rightAt: (step: number) => LossAndGradient,
  { rules, firstLossIsRight, reads, writes, writesGradients = writes }: Suspect,
  { roundoff, lossTolerance }: Resolution,
): boolean {
  const layout = parameterLayout(task.model);
  const shown = (numbers: Float64Array, order = writes) => (order === undefined ? numbers : putBack(numbers, order));
  const kept = (numbers: Float64Array | undefined) =>
    numbers === undefined || writes === undefined ? numbers : arrange(numbers, writes);
  const start = reads === undefined ? task.parameters : arrange(task.parameters, reads);
  const trainer = rulesTrainer(task, rules, start);
  for (let step = 0; step < Math.min(losses.length, MOST_STEPS); step++) {
    const from = step === 0 ? undefined : parametersAfter[step - 1];
    const isKnown = firstLossIsRight && (step === 0 || (from !== undefined && writes === undefined));
    const { loss, finish } = trainer.beginStep(kept(from), isKnown ? rightAt(step) : undefined);
    if (!agree(loss, losses[step], lossTolerance)) return false;
    finish();
    if (step === 0 && gradient !== undefined) {
      const matches = (numbers: Float64Array) =>
        sameGradient(task, shown(numbers, writesGradients), gradient, { roundoff });
      if (!matches(trainer.unclippedGradient) && !matches(trainer.gradient)) return false;
    }
    const after = parametersAfter[step];
    if (after === undefined) continue;
    const errors = shown(trainer.updateErrors(roundoff));
    const findings = checkTensors(layout, shown(trainer.parameters), after, (index) => errors[index]);
    if (findings.some((finding) => !finding.agrees)) return false;
  }
  return true;
}

/** The reference's losses and gradients at the parameters that were shown, each computed once. */
function rightGradientsOf({ task, parametersAfter }: Evidence): (step: number) => LossAndGradient {
  const trainer = rulesTrainer(task);
  const known: LossAndGradient[] = [];
  return (step) => {
    for (let next = known.length; next <= step; next++) {
      const loss = trainer.step(next === 0 ? undefined : parametersAfter[next - 1]);
      known.push({ loss, gradient: trainer.gradient.slice() });
    }
    return known[step];
  };
}

function sameGradient(
  { model }: Evidence['task'],
  one: Float64Array,
  other: Float64Array,
  { roundoff }: Pick<Resolution, 'roundoff'>,
): boolean {
  return compareGradients(parameterLayout(model), one, other, roundoff).every(({ agrees }) => agrees);
}

function agree(one: number, other: number, tolerance: number): boolean {
  if (!Number.isFinite(one) || !Number.isFinite(other)) return !Number.isFinite(one) && !Number.isFinite(other);
  return Math.abs(one - other) <= tolerance * Math.max(1, Math.abs(one));
}

/** What is known of a fault, in the model's terms. */
export function diagnoseMismatch({ tensors, evidence }: Mismatch, precision: Precision): readonly string[] {
  const found = evidence === undefined ? [] : diagnose(evidence, precision);
  return [
    ...(tensors === undefined ? [] : [tensors]),
    ...(found.length === 0 ? ['none of the usual faults explains this'] : found),
  ];
}

/** The narrowest format that holds every one of these numbers; undefined if only float64 does, or one is not finite. */
function narrowFormat(numbers: readonly Float64Array[]) {
  if (!numbers.every((part) => part.every(Number.isFinite))) return undefined;
  return (['bfloat16', 'float16', 'float32'] as const).find((format) =>
    numbers.every((part) => part.every((x) => Object.is(resolutions[format].round(x), x))),
  );
}

/** The upper half of a float32; NaN if that is not exact. */
function bfloat16(x: number): number {
  const bits = new Uint32Array(Float32Array.of(x).buffer);
  const isExact = Math.fround(x) === x && (bits[0] & 0xffff) === 0;
  return isExact ? x : Number.NaN;
}
