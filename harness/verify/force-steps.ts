import { describeFinding, type StepFinding, type Teacher } from './teacher.ts';

export interface StepwiseTrainer {
  reset(firstDocument: number): Promise<void>;
  train(steps: number): Promise<{ readonly losses: Float64Array }>;
  /** @param into an answer of before that is no longer needed */
  parameters(into?: Float64Array): Promise<Float64Array>;
  quit(): Promise<void>;
}

/** Steps that were trained and checked one by one; `wrong` says why the last of them is not right. */
export interface ForcedSteps {
  readonly losses: Float64Array;
  /** After the last step. */
  readonly parameters: Float64Array;
  /** After each of the first steps. */
  readonly parametersAfter: readonly Float64Array[];
  /** Of the step whose loss came nearest to what is allowed, or furthest beyond it. */
  readonly worstLoss: StepFinding['loss'];
  readonly fractionOfBound: number;
  readonly wrong?: { readonly reason: string; readonly step: number; readonly finding?: StepFinding };
}

/** Kept for a diagnosis. */
const STEPS_KEPT = 16;

/**
 * Trains up to `steps` steps one by one and checks each from the trainer's own state, until one is wrong. Trainer and teacher
 * are at the start of a lap.
 * @param goesOn asked after every right step
 */
export async function forceSteps(
  trainer: StepwiseTrainer,
  teacher: Teacher,
  steps: number,
  goesOn: (step: number) => boolean = () => true,
): Promise<ForcedSteps> {
  const losses: number[] = [];
  let worstLoss = { expected: 0, actual: 0, error: 0, allowed: Number.POSITIVE_INFINITY };
  let fractionOfBound = 0;
  let before = await trainer.parameters();
  let spare: Float64Array | undefined;
  const parametersAfter: Float64Array[] = [];
  const outcome = (wrong?: ForcedSteps['wrong']): ForcedSteps => ({
    losses: Float64Array.from(losses),
    parameters: before,
    parametersAfter,
    worstLoss,
    fractionOfBound,
    ...(wrong === undefined ? {} : { wrong }),
  });
  const entry = teacher.wrongStart(before);
  if (entry !== undefined) {
    const { tensor, row, column, expected, actual } = entry;
    const reason = `before step 1: got ${actual} as ${tensor}[${row}][${column}]; expected the start parameter, ${expected}`;
    return outcome({ reason, step: 1 });
  }
  for (let step = 1; step <= steps; step++) {
    const loss = (await trainer.train(1)).losses[0];
    const after = await trainer.parameters(spare);
    const finding = teacher.check(before, after, loss);
    losses.push(loss);
    // Not one that is kept.
    spare = step > STEPS_KEPT + 1 ? before : undefined;
    before = after;
    if (step <= STEPS_KEPT) parametersAfter.push(after);
    fractionOfBound = Math.max(fractionOfBound, finding.fractionOfBound);
    if (!(finding.loss.error / finding.loss.allowed <= worstLoss.error / worstLoss.allowed)) worstLoss = finding.loss;
    if (!(finding.fractionOfBound <= 1)) return outcome({ reason: describeFinding(finding, step), step, finding });
    if (!goesOn(step)) break;
  }
  return outcome();
}
