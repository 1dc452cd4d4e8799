import type { Profiler } from 'node:inspector';
import {
  EVERYTHING_ELSE,
  operationFinder,
  outsideFinder,
  type ProfiledFunction,
  type ProfileList,
} from './profile-list.ts';

/** Samples of a call stack, the innermost function first. */
export interface StackSamples {
  readonly stack: readonly ProfiledFunction[];
  readonly samples: number;
}

/** A part of a step. Shares are of all samples. */
export interface OperationShare {
  readonly operation: string;
  readonly share: number;
  readonly microsecondsPerStep: number;
  /** What running it twice adds to a step, if the folder can build such a step. */
  readonly microsecondsWhenRepeated?: number;
  /** The largest first, each without what it calls. */
  readonly functions: readonly { readonly name: string; readonly share: number }[];
}

export interface Profile {
  readonly samples: number;
  /** The median, without the profiler if possible. */
  readonly microsecondsPerStep: number;
  /** Share of the samples that the list gives to an operation. */
  readonly explained: number;
  /** In the order of the list; `everything else` is last. */
  readonly operations: readonly OperationShare[];
}

/**
 * Gives every sample to the operation of the innermost function that the list knows: a softmax that several operations use
 * counts for the one that called it.
 */
export function profileOf(all: readonly StackSamples[], list: ProfileList, microsecondsPerStep: number): Profile {
  const operationOf = operationFinder(list);
  const isOutside = outsideFinder(list);
  const stacks = all.filter(({ stack }) => !stack.some(isOutside));
  const total = stacks.reduce((sum, { samples }) => sum + samples, 0);
  const functionsOf = new Map<string, Map<string, number>>(
    [...Object.keys(list.operations), EVERYTHING_ELSE].map((operation) => [operation, new Map()]),
  );
  for (const { stack, samples } of stacks) {
    const known = stack.map(operationOf).find((operation) => operation !== undefined);
    const functions = functionsOf.get(known ?? EVERYTHING_ELSE);
    const [innermost] = stack;
    const { file = '', name: ownName = '(unknown)' } = innermost ?? {};
    const name = file === '' ? ownName : `${file}:${ownName}`;
    functions?.set(name, (functions.get(name) ?? 0) + samples);
  }
  const operations = [...functionsOf].map(([operation, functions]) => {
    const samples = [...functions.values()].reduce((sum, count) => sum + count, 0);
    return {
      operation,
      share: samples / total,
      microsecondsPerStep: (microsecondsPerStep * samples) / total,
      functions: [...functions]
        .map(([name, count]) => ({ name, share: count / total }))
        .sort((a, b) => b.share - a.share),
    };
  });
  const rest = operations.find(({ operation }) => operation === EVERYTHING_ELSE)?.share ?? 0;
  return { samples: total, microsecondsPerStep, explained: 1 - rest, operations };
}

export interface Sampled {
  readonly stacks: readonly StackSamples[];
  readonly microsecondsPerStep: number;
  /** For a browser's flame graph. */
  readonly cpuProfile: Profiler.Profile;
}

export interface SamplingOptions {
  readonly seconds: number;
  readonly signal: AbortSignal;
}

export const STEPS_AT_A_TIME = 10;
