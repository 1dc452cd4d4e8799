import type { Profiler } from 'node:inspector';
import type { StackSamples } from './profile.ts';

/** What either profiler brings back. */
export interface Sampled {
  readonly stacks: readonly StackSamples[];
  readonly microsecondsPerStep: number;
  /** For a browser's flame graph. */
  readonly cpuProfile: Profiler.Profile;
}

/** Asked for how long to train, and told how it went. */
export interface SamplingOptions {
  readonly seconds: number;
  readonly signal: AbortSignal;
}

/** Steps between two looks at the clock. */
export const STEPS_AT_A_TIME = 10;
