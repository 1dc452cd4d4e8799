import { diagnoseMismatch } from '../diagnose/diagnose.ts';
import type { Implementation } from '../program/discover.ts';
import type { Precision } from '../program/manifest.ts';
import type { TrainerProcess } from '../program/trainer-process.ts';
import type { CheckResult } from '../results/schema.ts';
import { drawSamples } from '../task/sample.ts';
import type { PreparedTask } from '../task/task.ts';
import type { Expectation } from '../verify/expectation.ts';
import type { TensorFinding } from '../verify/tensor-check.ts';
import { type Verification, type VerifyOptions, verifyImplementation } from '../verify/verify-implementation.ts';

export type CheckRow = CheckResult['results'][number];

interface CheckRowOptions extends VerifyOptions {
  readonly samples?: boolean | undefined;
  readonly gradients?: boolean | undefined;
  readonly parameters?: boolean | undefined;
  /** Called with words such as `step 20 of 1000`. */
  readonly onStatus: (text: string) => void;
}

/** Verifies one row; `stderrTail` is the end of its standard error if it broke. */
export async function checkRow(
  implementation: Implementation,
  expectation: Expectation,
  options: CheckRowOptions,
): Promise<{ readonly row: CheckRow; readonly stderrTail: string }> {
  const identity = {
    implementation: implementation.name,
    ...(options.runtime === undefined ? {} : { runtime: options.runtime }),
  };
  let samples: readonly string[] | undefined;
  const verification = await verifyImplementation(implementation, expectation, {
    ...options,
    onBuild: (program) => options.onStatus(`building (${program})`),
    onProgress: (done) => options.onStatus(`step ${done}`),
    afterwards: async (trainer, done) => {
      if (options.samples) samples = await drawFinalSamples(trainer, expectation.task, done, options.onStatus);
    },
  });
  return {
    row: {
      ...rowOf(identity, verification, implementation.manifest.precision),
      ...tensorsOf(verification, options),
      samples: samples && [...samples],
    },
    stderrTail: verification.status === 'error' ? verification.stderrTail : '',
  };
}

type Identity = Pick<CheckRow, 'implementation' | 'runtime'>;

export function unmeasured(identity: Identity, status: 'error' | 'skipped' | 'unsupported', reason: string): CheckRow {
  return { ...identity, status, reason, losses: [], stepsVerified: 0, maxLossError: null, tolerance: null };
}

function rowOf(identity: Identity, verification: Verification, precision: Precision): CheckRow {
  if (!('losses' in verification)) return unmeasured(identity, verification.status, verification.reason);
  const { status, stepsVerified, maxLossError, tolerance, losses } = verification;
  const wrong = status === 'mismatch' ? verification : undefined;
  const { fractionOfBound, gauntlet } = verification.status === 'verified' ? verification : {};
  return {
    ...identity,
    status,
    reason: wrong?.reason,
    diagnosis: wrong && [...diagnoseMismatch(wrong, precision)],
    losses: Array.from(losses, (loss) => (Number.isFinite(loss) ? loss : null)),
    stepsVerified,
    maxLossError,
    tolerance,
    fractionOfBound,
    randomTasks: gauntlet && { trained: gauntlet.tasks, declined: [...gauntlet.declined] },
    firstMismatch: wrong?.firstMismatch,
  };
}

function tensorsOf(verification: Verification, options: CheckRowOptions): Pick<CheckRow, 'gradients' | 'parameters'> {
  if (!('first' in verification)) return {};
  const { gradientFindings, parameterFindings } = verification.first;
  const finite = (findings: readonly TensorFinding[]) =>
    findings.map((finding) => ({ ...finding, maxError: Number.isFinite(finding.maxError) ? finding.maxError : null }));
  return {
    ...(options.gradients && gradientFindings !== undefined ? { gradients: finite(gradientFindings) } : {}),
    ...(options.parameters ? { parameters: finite(parameterFindings) } : {}),
  };
}

const STEPS_PER_LOOK = 50;

async function drawFinalSamples(
  trainer: TrainerProcess,
  task: PreparedTask,
  done: number,
  onStatus: (text: string) => void,
): Promise<readonly string[]> {
  const { numSteps } = task.training;
  for (let step = done; step < numSteps; ) {
    const steps = Math.min(STEPS_PER_LOOK, numSteps - step);
    await trainer.train(steps);
    step += steps;
    onStatus(`step ${step} of ${numSteps}, on the way to its samples`);
  }
  return drawSamples(task, await trainer.parameters());
}
