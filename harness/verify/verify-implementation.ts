import { UnsupportedTask } from '../../impls/contract.ts';
import { STEPS_BEYOND_MISMATCH } from '../diagnose/diagnose.ts';
import { judge, type Mismatch } from '../diagnose/judge.ts';
import { availability } from '../program/availability.ts';
import type { Implementation } from '../program/discover.ts';
import { ImplementationFailure } from '../program/implementation-failure.ts';
import { startTrainer, type TrainerOptions, type TrainerProcess } from '../program/trainer-process.ts';
import type { Expectation } from './expectation.ts';
import { type FirstStep, trainFirstStep } from './first-step.ts';
import { type LossGate, type LossVerdict, type VerifiedLosses, verifyLosses } from './gate.ts';
import { describeOverflow, overflowProbe } from './overflow-probe.ts';

export interface VerifyOptions extends TrainerOptions {
  /** A slow implementation stops after so long, with fewer steps verified; without it, every step is trained. */
  readonly budgetSeconds?: number | undefined;
  /** Whether to try, in a process of its own, a first step whose logits and scores overflow a careless softmax. */
  readonly probesOverflow?: boolean | undefined;
  readonly onProgress?: ((stepsDone: number) => void) | undefined;
  /** Called with the trainer as verification leaves it, `stepsDone` steps in, when all was well. */
  readonly afterwards?: ((trainer: TrainerProcess, stepsDone: number) => Promise<void>) | undefined;
}

/** What became of one implementation. `losses` are as far as it was trained, NaN where not finite. */
export type Verification =
  | ((VerifiedLosses | Mismatch) & { readonly losses: Float64Array; readonly first: FirstStep })
  | { readonly status: 'error'; readonly reason: string; readonly stderrTail: string }
  | { readonly status: 'skipped' | 'unsupported'; readonly reason: string };

/** Progress is shown about this often. */
const LOOK_SECONDS = 0.25;
/** The first steps of a process are its slowest: so many times the last number of steps may be asked for next. */
const GROWTH = 8;

/**
 * Trains an implementation in a process of its own and holds it against what is expected: gradient and parameters of the
 * first step, then the loss of every step. Rejects only when interrupted, or for a bug of ours.
 */
export async function verifyImplementation(
  implementation: Implementation,
  expectation: Expectation,
  options: VerifyOptions = {},
): Promise<Verification> {
  const present = await availability(implementation, options.runtime?.name);
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
  expectation: Expectation,
  options: VerifyOptions,
): Promise<Verification> {
  const { precision } = implementation.manifest;
  const trainer = await startTrainer(implementation, expectation.task, options);
  try {
    const first = await trainFirstStep(trainer, expectation, precision);
    const { losses, verdict } = await trainOn(trainer, first, expectation, expectation.gates[precision], options);
    const judgement = judge(first, losses, verdict, expectation, precision);
    if (judgement.status === 'mismatch') return { ...judgement, losses, first };
    await options.afterwards?.(trainer, losses.length);
    const overflow = options.probesOverflow ? await probeOverflow(implementation, expectation, options) : undefined;
    const mismatch = overflow === undefined ? undefined : { ...judgement, ...overflow };
    return { ...(mismatch ?? judgement), losses, first };
  } finally {
    await trainer.quit();
  }
}

/** Trains until the reference's losses or the time are used up; beyond the first wrong loss only so far as it takes to tell why. */
async function trainOn(
  trainer: TrainerProcess,
  first: FirstStep,
  { reference }: Expectation,
  gate: LossGate,
  options: VerifyOptions,
): Promise<{ readonly losses: Float64Array; readonly verdict: LossVerdict }> {
  const expected = reference.losses;
  const losses = new Float64Array(expected.length);
  losses[0] = first.loss;
  let done = 1;
  let seconds = first.nanoseconds / 1e9;
  let secondsPerStep = seconds;
  let lastSteps = 1;
  let verdict = verifyLosses(expected, losses.subarray(0, done), gate);
  const train = async (steps: number) => {
    const answer = await trainer.train(steps);
    losses.set(answer.losses, done);
    done += steps;
    seconds += answer.nanoseconds / 1e9;
    secondsPerStep = answer.nanoseconds / 1e9 / steps;
    lastSteps = steps;
    options.onProgress?.(done);
  };
  while (
    verdict.status === 'verified' &&
    done < expected.length &&
    seconds < (options.budgetSeconds ?? Number.POSITIVE_INFINITY)
  ) {
    const fitting = Math.max(1, Math.floor(LOOK_SECONDS / secondsPerStep));
    await train(Math.min(expected.length - done, fitting, GROWTH * lastSteps));
    verdict = verifyLosses(expected, losses.subarray(0, done), gate);
  }
  const further = verdict.status === 'mismatch' ? verdict.firstMismatch.step + STEPS_BEYOND_MISMATCH - done : 0;
  if (further > 0 && done < expected.length) await train(Math.min(further, expected.length - done));
  return { losses: losses.slice(0, done), verdict };
}

async function probeOverflow(
  implementation: Implementation,
  expectation: Expectation,
  options: VerifyOptions,
): Promise<Pick<Mismatch, 'status' | 'reason' | 'diagnosis'> | undefined> {
  const task = overflowProbe(expectation.task);
  const trainer = await startTrainer(implementation, task, options);
  try {
    const { losses } = await trainer.train(1);
    return describeOverflow(task, losses[0]);
  } finally {
    await trainer.quit();
  }
}
