import { type TrainingTask, UnsupportedTask } from '../../impls/contract.ts';
import { availability } from '../program/availability.ts';
import type { Implementation } from '../program/discover.ts';
import { ImplementationFailure } from '../program/implementation-failure.ts';
import { supportsTask } from '../program/supports.ts';
import { startTrainer, type TrainerOptions, type TrainerProcess } from '../program/trainer-process.ts';
import { gauntletTasks } from '../task/gauntlet.ts';
import type { Expectation } from './expectation.ts';
import { describeDisagreement, type FirstStep, trainFirstStep } from './first-step.ts';
import { type ForcedSteps, forceSteps } from './force-steps.ts';
import { baseTolerance, type LossMismatch, wrongLoss } from './gate.ts';
import { type GauntletVerdict, runGauntlet } from './run-gauntlet.ts';
import { type StepFinding, Teacher } from './teacher.ts';

export interface VerifyOptions<After = void> extends TrainerOptions {
  /** By default as many as the reference has, at least {@link FEWEST_STEPS}. */
  readonly steps?: number | undefined;
  /** A slow implementation stops then, with fewer steps checked; without it, every step is trained. */
  readonly budgetSeconds?: number | undefined;
  /** Runs the gauntlet too, on the tasks of this seed. */
  readonly gauntletSeed?: number | undefined;
  readonly onProgress?: ((stepsDone: number) => void) | undefined;
  /** Called with the trainer, `stepsDone` steps in, if all was well. */
  readonly afterwards?: ((trainer: TrainerProcess, stepsDone: number) => Promise<After>) | undefined;
  /** Takes over the trainer, back on the task, if all was well; without it, the trainer is ended. */
  readonly keep?: ((trainer: TrainerProcess) => void) | undefined;
}

/** What an implementation was seen to do, for the diagnosis. */
export interface Evidence {
  readonly task: TrainingTask;
  /** Of the first steps, NaN if not finite. */
  readonly losses: Float64Array;
  /** Of the first step's loss, if it shows one. */
  readonly gradient?: Float64Array | undefined;
  /** After step 1, 2 and so on; at least one, at most as many as losses. */
  readonly parametersAfter: readonly Float64Array[];
}

export interface Mismatch {
  readonly status: 'mismatch';
  /** One line: where it first differs, what was expected and what was got. */
  readonly reason: string;
  /** Which tensors of the first step are off. */
  readonly tensors?: string | undefined;
  readonly stepsVerified: number;
  /** Of the loss that is furthest off; null if not finite, or if none was looked at. */
  readonly maxLossError: number | null;
  readonly tolerance: number | null;
  /** Undefined if all losses agree and something else does not. */
  readonly firstMismatch?: LossMismatch;
  /** Undefined if it trained nothing. */
  readonly evidence?: Evidence;
}

/** Every step that was tried is right, from the row's own state. */
export interface VerifiedRow {
  readonly status: 'verified';
  readonly stepsVerified: number;
  /** Of the loss that came nearest to its tolerance. */
  readonly maxLossError: number;
  readonly tolerance: number;
  /** Largest error over what rounding allows, of losses and updates. */
  readonly fractionOfBound: number;
  readonly gauntlet?: Extract<GauntletVerdict, { readonly status: 'passed' }>;
}

/** `losses` are as far as it was trained, NaN if not finite; `after` is what `afterwards` gave. */
export type Verification<After = void> =
  | (((VerifiedRow & { readonly after: After }) | Mismatch) & {
      readonly losses: Float64Array;
      readonly first: FirstStep;
    })
  | { readonly status: 'error'; readonly reason: string; readonly stderrTail: string }
  | { readonly status: 'skipped' | 'unsupported'; readonly reason: string };

/** By default: Adam's corrections and the decay have gone far enough by then. */
export const FEWEST_STEPS = 100;
/** Enough to tell one fault from another. */
const STEPS_BEYOND_MISMATCH = 8;

/**
 * Trains an implementation in a process of its own and checks every step from its own state; then, for float64, losses against
 * the reference's as far as training is calm; then the gauntlet. Rejects only when interrupted, or for a bug of ours.
 */
export async function verifyImplementation(
  implementation: Implementation,
  expectation: Expectation,
  options?: VerifyOptions,
): Promise<Verification>;
export async function verifyImplementation<After>(
  implementation: Implementation,
  expectation: Expectation,
  options: VerifyOptions<After> & Required<Pick<VerifyOptions<After>, 'afterwards'>>,
): Promise<Verification<After>>;
export async function verifyImplementation(
  implementation: Implementation,
  expectation: Expectation,
  options: VerifyOptions<unknown> = {},
): Promise<Verification<unknown>> {
  const present = await availability(implementation, options.runtime, options.signal);
  if (!present.available) return { status: 'skipped', reason: present.reason };
  try {
    return await trainAndJudge(implementation, expectation, options);
  } catch (error) {
    if (error instanceof UnsupportedTask) return { status: 'unsupported', reason: error.message };
    if (error instanceof ImplementationFailure) {
      return { status: 'error', reason: error.message, stderrTail: error.stderrTail };
    }
    throw error;
  }
}

async function trainAndJudge(
  implementation: Implementation,
  { task, reference, calmSteps }: Expectation,
  options: VerifyOptions<unknown>,
): Promise<Verification<unknown>> {
  const { precision } = implementation.manifest;
  const { numSteps } = task.training;
  const trainer = await startTrainer(implementation, task, options);
  let isKept = false;
  const keep = () => {
    options.keep?.(trainer);
    isKept = options.keep !== undefined;
  };
  try {
    const teacher = new Teacher(task.training, precision);
    const first = await trainFirstStep(trainer, teacher, task.training.parameters);
    await trainer.reset(0);
    const steps = options.steps ?? Math.min(numSteps, Math.max(reference.losses.length, FEWEST_STEPS));
    const began = performance.now();
    const forced = await forceSteps(trainer, teacher, steps, (step) => {
      options.onProgress?.(step);
      return performance.now() - began < 1000 * (options.budgetSeconds ?? Number.POSITIVE_INFINITY);
    });
    const { finding, step } = forced.wrong ?? {};
    const tensors = describeDisagreement(first, !(step === 1 && finding !== undefined && isOff(finding.loss)));
    if (forced.wrong !== undefined) {
      const seen = await seenBeyond(trainer, forced, first, numSteps);
      const { losses } = seen;
      const evidence = { task: task.training, gradient: first.gradient, ...seen };
      return { ...mismatchOf(forced, evidence, tensors), losses, first };
    }
    const verified: VerifiedRow = {
      status: 'verified',
      stepsVerified: forced.losses.length,
      maxLossError: forced.worstLoss.error,
      tolerance: forced.worstLoss.allowed,
      fractionOfBound: forced.fractionOfBound,
    };
    const { losses, parametersAfter } = forced;
    const evidence = { task: task.training, losses, gradient: first.gradient, parametersAfter };
    if (tensors !== undefined) {
      return { ...verified, status: 'mismatch', reason: tensors, tensors, evidence, losses, first };
    }
    if (precision === 'float64') {
      const tolerance = baseTolerance.float64;
      const found = wrongLoss(reference.losses, losses, tolerance, calmSteps);
      if (found !== undefined) {
        const { step, expected, actual } = found.firstMismatch;
        const reason = `step ${step}: got a loss of ${actual}; expected ${expected}, as the reference's (allowed ${tolerance.toExponential(1)})`;
        return { status: 'mismatch', reason, ...found, tolerance, evidence, losses, first };
      }
    }
    const after = await options.afterwards?.(trainer, losses.length);
    if (options.gauntletSeed === undefined) {
      keep();
      return { ...verified, after, losses, first };
    }
    let isOnTask = true;
    const gauntlet = await runGauntlet(
      async (small) => {
        const wasOnTask = isOnTask;
        isOnTask = false;
        if (await trainer.take(small)) return { ...trainer, quit: async () => {} };
        isOnTask = wasOnTask;
        return startTrainer(implementation, small, options);
      },
      gauntletTasks(options.gauntletSeed),
      precision,
      (small) => !supportsTask(implementation.manifest.supports, small.training),
    );
    if (gauntlet.status === 'passed') {
      if (isOnTask || (await trainer.take(task))) keep();
      return { ...verified, gauntlet, after, losses, first };
    }
    const reason = `random task "${gauntlet.task.name}" (--gauntlet-seed ${options.gauntletSeed}): ${gauntlet.reason}`;
    return { ...verified, status: 'mismatch', reason, ...evidenceOf(gauntlet), losses, first };
  } finally {
    if (!isKept) await trainer.quit();
  }
}

type WrongSteps = Extract<ForcedSteps, { readonly wrong: object }>;

function isOff({ error, allowed }: StepFinding['loss']): boolean {
  return !(error <= allowed);
}

/** What the trainer was seen to do, up to the first wrong step and in some beyond it; in its first step, where it got no further. */
async function seenBeyond(
  trainer: TrainerProcess,
  { losses, parametersAfter }: ForcedSteps,
  first: FirstStep,
  numSteps: number,
): Promise<Pick<Evidence, 'losses' | 'parametersAfter'>> {
  if (losses.length === 0) return { losses: Float64Array.of(first.loss), parametersAfter: [first.parameters] };
  const seen = { losses: [...losses], parametersAfter: [...parametersAfter] };
  for (let step = 0; step < Math.min(STEPS_BEYOND_MISMATCH, numSteps - losses.length); step++) {
    seen.losses.push((await trainer.train(1)).losses[0]);
    // Those of a step say nothing where those of the step before are not known.
    if (parametersAfter.length === losses.length) seen.parametersAfter.push(await trainer.parameters());
  }
  return { losses: Float64Array.from(seen.losses), parametersAfter: seen.parametersAfter };
}

function mismatchOf({ wrong, losses }: WrongSteps, evidence: Evidence, tensors: string | undefined): Mismatch {
  const { reason, step, finding } = wrong;
  // The same step was right in the fresh process: what differs is the reset before it.
  const isOfReset = step === 1 && tensors === undefined;
  const loss = finding?.loss;
  return {
    status: 'mismatch',
    reason: isOfReset ? `after \`reset 0\`: ${reason}` : reason,
    tensors,
    stepsVerified: Math.max(0, losses.length - 1),
    maxLossError: loss !== undefined && Number.isFinite(loss.error) ? loss.error : null,
    tolerance: loss?.allowed ?? null,
    ...(loss !== undefined && isOff(loss)
      ? { firstMismatch: { step, expected: loss.expected, actual: Number.isFinite(loss.actual) ? loss.actual : null } }
      : {}),
    evidence,
  };
}

function evidenceOf({ task, forced }: Extract<GauntletVerdict, { readonly status: 'failed' }>): {
  readonly evidence?: Evidence;
} {
  if (forced === undefined || forced.parametersAfter.length === 0) return {};
  const { losses, parametersAfter } = forced;
  return { evidence: { task: task.task.training, losses, parametersAfter } };
}
