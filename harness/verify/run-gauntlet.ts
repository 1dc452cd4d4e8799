import { UnsupportedTask } from '../../impls/contract.ts';
import type { Precision } from '../program/manifest.ts';
import type { GauntletTask } from '../task/gauntlet.ts';
import type { PreparedTask } from '../task/task.ts';
import { type ForcedSteps, forceSteps, type StepwiseTrainer } from './force-steps.ts';
import { Teacher } from './teacher.ts';

export type GauntletVerdict =
  | {
      readonly status: 'passed';
      readonly tasks: number;
      /** As its manifest allows. */
      readonly declined: readonly string[];
      readonly stepsForced: number;
      readonly fractionOfBound: number;
    }
  | {
      readonly status: 'failed';
      readonly task: GauntletTask;
      readonly reason: string;
      /** Up to the wrong step, if it trained. */
      readonly forced?: ForcedSteps;
    };

/** After a reset to another document. */
const STEPS_ELSEWHERE = 2;
/** A timed process is reset many times, and may fail late: one more lap for so many steps of a task, which has many only if they are cheap. */
const STEPS_A_LATER_LAP = 10;

/**
 * Trains every task step by step from the trainer's own state; then resets it and trains again, in one go, to the same bits;
 * then resets it to another document and checks some steps there; then resets it a few times more.
 * @param start starts a fresh trainer; {@link UnsupportedTask} if it declines the task
 * @param mayDecline whether its manifest excludes the sizes of a task
 * @throws anything else that a trainer throws
 */
export async function runGauntlet(
  start: (task: PreparedTask) => Promise<StepwiseTrainer>,
  tasks: readonly GauntletTask[],
  precision: Precision,
  mayDecline: (task: PreparedTask) => boolean,
): Promise<GauntletVerdict> {
  const declined: string[] = [];
  let stepsForced = 0;
  let fractionOfBound = 0;
  for (const gauntletTask of tasks) {
    const { name, task, steps } = gauntletTask;
    const trainer = await start(task).catch((error: unknown) => {
      if (error instanceof UnsupportedTask) return error;
      throw error;
    });
    if (trainer instanceof UnsupportedTask) {
      if (!mayDecline(task)) {
        const reason = `declined (${trainer.message}); expected it to train; say in impl.json under "supports" which sizes it trains`;
        return { status: 'failed', task: gauntletTask, reason };
      }
      declined.push(name);
      continue;
    }
    try {
      const run = await trainTask(trainer, task, precision, steps);
      if ('reason' in run) return { status: 'failed', task: gauntletTask, ...run };
      stepsForced += run.stepsForced;
      fractionOfBound = Math.max(fractionOfBound, run.fractionOfBound);
    } finally {
      await trainer.quit();
    }
  }
  return { status: 'passed', tasks: tasks.length - declined.length, declined, stepsForced, fractionOfBound };
}

type TaskRun =
  | { readonly stepsForced: number; readonly fractionOfBound: number }
  | { readonly reason: string; readonly forced?: ForcedSteps };

async function trainTask(
  trainer: StepwiseTrainer,
  { training }: PreparedTask,
  precision: Precision,
  steps: number,
): Promise<TaskRun> {
  const teacher = new Teacher(training, precision);
  const first = await forceSteps(trainer, teacher, steps);
  if (first.wrong !== undefined) return { reason: first.wrong.reason, forced: first };

  const reason = await differsAfterReset(trainer, first.losses);
  if (reason !== undefined) return { reason };
  const again = await trainer.parameters();
  const entry = first.parameters.findIndex((value, i) => !Object.is(value, again[i]));
  if (entry !== -1) {
    const reason = `after \`reset 0\` and ${steps} steps: got ${again[entry]} as parameter ${entry}; expected ${first.parameters[entry]}, as before the reset`;
    return { reason };
  }

  const elsewhere = training.offsets.length - 2;
  await trainer.reset(elsewhere);
  teacher.restart(elsewhere);
  const second = await forceSteps(trainer, teacher, Math.min(STEPS_ELSEWHERE, training.numSteps));
  if (second.wrong !== undefined) return { reason: `after \`reset ${elsewhere}\`: ${second.wrong.reason}` };
  for (let lap = 0; lap < Math.floor(steps / STEPS_A_LATER_LAP); lap++) {
    const reason = await differsAfterReset(trainer, first.losses.subarray(0, STEPS_ELSEWHERE));
    if (reason !== undefined) return { reason };
  }
  return {
    stepsForced: first.losses.length + second.losses.length,
    fractionOfBound: Math.max(first.fractionOfBound, second.fractionOfBound),
  };
}

/** Trains from the start again, in one go. */
async function differsAfterReset(trainer: StepwiseTrainer, expected: Float64Array): Promise<string | undefined> {
  await trainer.reset(0);
  const { losses } = await trainer.train(expected.length);
  const step = expected.findIndex((loss, i) => !Object.is(loss, losses[i]));
  if (step === -1) return undefined;
  return `step ${step + 1} after \`reset 0\`: got a loss of ${losses[step]}; expected ${expected[step]}, as before the reset; clear the moments and the step, and train one step as many`;
}
