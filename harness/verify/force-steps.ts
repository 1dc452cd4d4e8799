import { describeFinding, type StepFinding, type Teacher } from './teacher.ts';

export interface StepwiseTrainer {
  reset(firstDocument: number): Promise<void>;
  train(steps: number): Promise<{ readonly losses: Float64Array }>;
  /** @param into an answer of before that is no longer needed */
  parameters(into?: Float64Array): Promise<Float64Array>;
  quit(): Promise<void>;
}

/** Steps that were trained and checked one by one: all are right, or `wrong` says why the last of them is not. */
export type ForcedSteps = Steps &
  (
    | {
        readonly wrong?: undefined;
        /** Of the step whose loss came nearest to what is allowed. */
        readonly worstLoss: StepFinding['loss'];
      }
    | { readonly wrong: { readonly reason: string; readonly step: number; readonly finding?: StepFinding } }
  );

interface Steps {
  readonly losses: Float64Array;
  /** After the last step. */
  readonly parameters: Float64Array;
  /** After each of the first steps. */
  readonly parametersAfter: readonly Float64Array[];
  readonly fractionOfBound: number;
}

/** Kept for a diagnosis. */
const STEPS_KEPT = 16;

/**
 * Trains up to `steps` steps, at least one, and checks each from the trainer's own state, until one is wrong. Trainer and
 * teacher are at the start of a lap.
 * @param goesOn asked after every right step
 */
export async function forceSteps(
  trainer: StepwiseTrainer,
  teacher: Teacher,
  steps: number,
  goesOn: (step: number) => boolean = () => true,
): Promise<ForcedSteps> {
  const losses: number[] = [];
  let worstLoss: StepFinding['loss'] | undefined;
  let fractionOfBound = 0;
  let before = await trainer.parameters();
  let spare: Float64Array | undefined;
  const parametersAfter: Float64Array[] = [];
  const trained = (): Steps => ({
    losses: Float64Array.from(losses),
    parameters: before,
    parametersAfter,
    fractionOfBound,
  });
  const entry = teacher.wrongStart(before);
  if (entry !== undefined) {
    const { tensor, row, column, expected, actual } = entry;
    const reason = `before step 1: got ${actual} as ${tensor}[${row}][${column}]; expected the start parameter, ${expected}`;
    return { ...trained(), wrong: { reason, step: 1 } };
  }
  for (let step = 1; ; step++) {
    const loss = (await trainer.train(1)).losses[0];
    const after = await trainer.parameters(spare);
    const finding = teacher.check(before, after, loss);
    losses.push(loss);
    // Not one that is kept.
    spare = step > STEPS_KEPT + 1 ? before : undefined;
    before = after;
    if (step <= STEPS_KEPT) parametersAfter.push(after);
    fractionOfBound = Math.max(fractionOfBound, finding.fractionOfBound);
    if (!(finding.fractionOfBound <= 1)) {
      return { ...trained(), wrong: { reason: describeFinding(finding, step), step, finding } };
    }
    const { loss: own } = finding;
    if (worstLoss === undefined || own.error / own.allowed > worstLoss.error / worstLoss.allowed) worstLoss = own;
    if (!goesOn(step) || step >= steps) return { ...trained(), worstLoss };
  }
}
