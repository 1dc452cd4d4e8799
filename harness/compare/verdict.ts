import type { ComparedRow } from '../results/comparison.ts';
import type { Interval } from '../results/schema.ts';
import { relativeHalfWidth } from '../statistics/median-interval.ts';
import { percent, percentChange } from '../statistics/percent.ts';

export type Verdict = ComparedRow['verdict'];

/** What paired rounds showed: `ratio` is head over base (above 1: head is slower), `control` is base over base, in truth 1. */
export interface Evidence {
  readonly ratio: Interval;
  readonly control: Interval;
  readonly rounds: number;
}

/** Where an interval of ratios lies, compared with the changes too small to matter. */
export type Position = 'slower' | 'faster' | 'same' | 'straddling';

/**
 * `slower` and `faster` if the whole interval lies beyond the threshold, `same` if it lies within. The band is symmetric in the
 * ratio, `1 / (1 + threshold) … 1 + threshold`, so that swapping base and head swaps the answers.
 */
export function position(ratio: Interval, threshold: number): Position {
  if (ratio.low > 1 + threshold) return 'slower';
  if (ratio.high < 1 / (1 + threshold)) return 'faster';
  return ratio.high <= 1 + threshold && ratio.low >= 1 / (1 + threshold) ? 'same' : 'straddling';
}

/**
 * True if two processes of the same code differ: the interval excludes 1, and the median is off by half the threshold. An
 * interval of 95% alone excludes 1 once in twenty runs.
 */
export function controlFires({ control }: Evidence, threshold: number): boolean {
  const excludesOne = control.low > 1 || control.high < 1;
  return excludesOne && Math.abs(Math.log(control.median)) > Math.log(1 + threshold) / 2;
}

export function needsConfirmation(first: Evidence, threshold: number): boolean {
  return !controlFires(first, threshold) && position(first.ratio, threshold) === 'slower';
}

export interface Judgement {
  readonly verdict: Verdict;
  /** One line: what it rests on; for `inconclusive`, why. */
  readonly reason: string;
}

/**
 * The verdict over the first rounds and, if they looked slower, the longer ones that must confirm it: without confirmation
 * there is no regression.
 *
 * @param threshold smallest change that matters, as a fraction: 0.05
 */
export function judge(first: Evidence, confirmation: Evidence | undefined, threshold: number): Judgement {
  for (const evidence of [first, confirmation]) {
    if (evidence === undefined || !controlFires(evidence, threshold)) continue;
    return {
      verdict: 'inconclusive',
      reason: `base differs from itself by ${percentChange(evidence.control.median)}: the machine is too noisy`,
    };
  }
  switch (position(first.ratio, threshold)) {
    case 'slower': {
      if (confirmation === undefined)
        return { verdict: 'inconclusive', reason: 'looked slower, and nothing confirmed it' };
      const { ratio, rounds } = confirmation;
      return position(ratio, threshold) === 'slower'
        ? {
            verdict: 'regression',
            reason: `slower by more than ${percent(threshold)}, confirmed by ${rounds} longer rounds`,
          }
        : { verdict: 'inconclusive', reason: `looked slower, but ${rounds} longer rounds did not confirm it` };
    }
    case 'faster':
      return { verdict: 'improvement', reason: `faster by more than ${percent(threshold)} throughout the interval` };
    case 'same':
      return { verdict: 'no change', reason: `within ±${percent(threshold)} throughout the interval` };
    case 'straddling':
      return {
        verdict: 'inconclusive',
        reason: `the interval of ±${percent(relativeHalfWidth(first.ratio))} straddles the threshold of ${percent(threshold)}`,
      };
  }
}
