import { UnsupportedTask } from '../../impls/contract.ts';
import { availability } from '../implementation/availability.ts';
import type { Implementation } from '../implementation/discover.ts';
import { ImplementationFailure } from '../implementation/implementation-failure.ts';
import { startTrainer, type TrainerOptions, type TrainerProcess } from '../implementation/trainer-process.ts';
import type { Expectation } from './expectation.ts';
import { type LossVerdict, verifyLosses } from './gate.ts';

export interface VerifyOptions extends TrainerOptions {
  /** A slow implementation stops after so long, with fewer steps verified; without it, every step is trained. */
  readonly budgetSeconds?: number | undefined;
  readonly onProgress?: ((stepsDone: number) => void) | undefined;
  /** Called with the trainer as verification leaves it, `stepsDone` steps in, when all was well. */
  readonly afterwards?: ((trainer: TrainerProcess, stepsDone: number) => Promise<void>) | undefined;
}

/** What became of one implementation. `losses` are as far as it was trained, NaN where not finite. */
export type Verification =
  | (LossVerdict & { readonly losses: Float64Array; readonly reason?: string; readonly diagnosis?: readonly string[] })
  | { readonly status: 'error'; readonly reason: string; readonly stderrTail: string }
  | { readonly status: 'skipped' | 'unsupported'; readonly reason: string };

/** Progress is shown about this often. */
const LOOK_SECONDS = 0.25;

/** Trains an implementation in a process of its own and holds it against what is expected. Rejects only when interrupted, or for a bug of ours. */
export async function verifyImplementation(
  implementation: Implementation,
  expectation: Expectation,
  options: VerifyOptions = {},
): Promise<Verification> {
  const present = await availability(implementation, options.runtime?.name);
  if (!present.available) return { status: 'skipped', reason: present.reason };
  let trainer: TrainerProcess | undefined;
  try {
    trainer = await startTrainer(implementation, expectation.task, options);
    return await verifyTrainer(trainer, implementation, expectation, options);
  } catch (error) {
    if (error instanceof UnsupportedTask) return { status: 'unsupported', reason: error.message };
    if (error instanceof ImplementationFailure) {
      return { status: 'error', reason: error.message, stderrTail: error.stderrTail };
    }
    throw error;
  } finally {
    await trainer?.quit();
  }
}

async function verifyTrainer(
  trainer: TrainerProcess,
  implementation: Implementation,
  expectation: Expectation,
  options: VerifyOptions,
): Promise<Verification> {
  const gate = expectation.gates[implementation.manifest.precision];
  const expected = expectation.reference.losses;
  const losses = new Float64Array(expected.length);
  let done = 0;
  let spentSeconds = 0;
  let verdict: LossVerdict = verifyLosses(expected, losses.subarray(0, 0), gate);
  for (let steps = 1; steps > 0 && verdict.status === 'verified'; ) {
    const answer = await trainer.train(steps);
    losses.set(answer.losses, done);
    done += steps;
    options.onProgress?.(done);
    verdict = verifyLosses(expected, losses.subarray(0, done), gate);
    const seconds = answer.nanoseconds / 1e9;
    spentSeconds += seconds;
    steps = nextSteps(
      steps,
      seconds,
      expected.length - done,
      (options.budgetSeconds ?? Number.POSITIVE_INFINITY) - spentSeconds,
    );
  }
  if (verdict.status === 'verified') await options.afterwards?.(trainer, done);
  return { ...verdict, losses: losses.slice(0, done) };
}

/** As many steps as fit between two looks, and at most eight times the last: the first steps of a process are its slowest. */
function nextSteps(lastSteps: number, lastSeconds: number, stepsLeft: number, secondsLeft: number): number {
  const perStep = lastSeconds / lastSteps;
  const fitting = Math.floor(Math.min(LOOK_SECONDS, secondsLeft) / perStep);
  return secondsLeft <= 0 ? 0 : Math.min(stepsLeft, Math.max(1, Math.min(fitting, 8 * lastSteps)));
}
