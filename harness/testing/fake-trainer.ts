import { UnsupportedTask } from '../../impls/contract.ts';
import type { Contender } from '../measure/contender.ts';
import { ImplementationFailure } from '../program/implementation-failure.ts';
import type { Role } from '../program/manifest.ts';
import type { TrainerProcess } from '../program/trainer-process.ts';
import type { LossVerdict } from '../verify/gate.ts';

/** A clock that tests move by hand, in milliseconds. */
export class FakeClock {
  milliseconds = 0;
  readonly now = (): number => this.milliseconds;
}

export interface FakeTrainerOptions {
  readonly name: string;
  readonly roles?: readonly Role[];
  /** Time of one step in the process that was started `start`-th, counted from 0, after `trained` steps in that process and `step` since its last reset. */
  readonly nanosecondsPerStep: (start: number, trained: number, step: number) => number;
  readonly clock: FakeClock;
  /** What goes wrong, in the process that was started that many times before, at its first step. */
  readonly failure?: { readonly start: number; readonly kind: 'crash' | 'wrong' | 'unsupported' };
  readonly onStart?: () => void;
}

/** A contender that trains nothing and moves the clock instead, so that a whole race runs in no time. Counts its processes. */
export function fakeContender(
  options: FakeTrainerOptions,
): Contender & { readonly alive: () => number; readonly starts: () => number } {
  let starts = 0;
  let alive = 0;
  const start = async (signal: AbortSignal): Promise<TrainerProcess> => {
    signal.throwIfAborted();
    const number = starts++;
    options.onStart?.();
    const failure = options.failure?.start === number ? options.failure.kind : undefined;
    if (failure === 'unsupported') throw new UnsupportedTask('no use for this task');
    alive++;
    let step = 0;
    let trained = 0;
    let running = true;
    return {
      startupNanoseconds: 5e6,
      train: async (steps) => {
        if (signal.aborted) throw new ImplementationFailure(options.name, 'was ended', 'start it again');
        if (failure === 'crash')
          throw new ImplementationFailure(options.name, 'exited with code 1', 'see its standard error');
        const losses = Float64Array.from({ length: steps }, (_, i) => step + i + (failure === 'wrong' ? 0.5 : 0));
        let nanoseconds = 0;
        for (let i = 0; i < steps; i++) nanoseconds += options.nanosecondsPerStep(number, trained++, step + i);
        step += steps;
        options.clock.milliseconds += nanoseconds / 1e6;
        return { losses, nanoseconds };
      },
      reset: async () => {
        step = 0;
      },
      parameters: async () => new Float64Array(0),
      gradients: async () => undefined,
      peakRssBytes: () => 50 * 2 ** 20,
      quit: async () => {
        if (running) alive--;
        running = false;
      },
    };
  };
  return {
    identity: {
      implementation: options.name,
      language: 'TypeScript',
      technique: 'fake',
      precision: 'float64',
      threads: 1,
    },
    origin: { sourceHash: '0'.repeat(64), tools: {} },
    roles: options.roles ?? [],
    start,
    verify: verifyFakeLosses,
    alive: () => alive,
    starts: () => starts,
  };
}

/** Losses of the fake reference: step s, counted from 0, has loss s. */
function verifyFakeLosses(losses: Float64Array): LossVerdict {
  const wrong = losses.findIndex((loss, step) => loss !== step);
  const findings = { stepsVerified: wrong === -1 ? losses.length : wrong, maxLossError: 0, tolerance: 1e-10 };
  if (wrong === -1) return { status: 'verified', ...findings };
  return {
    status: 'mismatch',
    ...findings,
    firstMismatch: { step: wrong + 1, expected: wrong, actual: losses[wrong] },
  };
}
