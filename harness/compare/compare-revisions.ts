import { randomInt } from 'node:crypto';
import { contenderOf } from '../measure/contender.ts';
import { suggestion } from '../nearest-name.ts';
import { type DiscoveredImplementation, isBroken } from '../program/discover.ts';
import type { ComparisonRow, UncomparedRow } from '../results/comparison.ts';
import { UsageError } from '../usage-error.ts';
import type { Expectation } from '../verify/expectation.ts';
import { compareImplementation } from './compare-implementation.ts';
import type { ComparisonLimits } from './compare-rounds.ts';
import { sameSources, sourcesOf } from './sources.ts';

/** For each side. Every timed lap is verified too, so this may stop early. */
const VERIFY_SECONDS = 1;
const SCOUT_MILLISECONDS = 300;

export interface Pair {
  readonly name: string;
  readonly base: DiscoveredImplementation | undefined;
  readonly head: DiscoveredImplementation | undefined;
}

/**
 * Pairs the implementations of two revisions by name, in head's order; those that only base has come last. @throws UsageError
 * for an unknown name
 */
export function pairImplementations(
  before: readonly DiscoveredImplementation[],
  after: readonly DiscoveredImplementation[],
  names: readonly string[],
): readonly Pair[] {
  const known = [...new Set([...after, ...before].map(({ name }) => name))];
  for (const name of names) {
    if (!known.includes(name)) throw new UsageError(`unknown implementation "${name}"${suggestion(name, known)}`);
  }
  const named = (side: readonly DiscoveredImplementation[], name: string) => side.find((found) => found.name === name);
  return known
    .filter((name) => names.length === 0 || names.includes(name))
    .map((name) => ({ name, base: named(before, name), head: named(after, name) }));
}

/** The pairs that run from the same files on both sides. */
export async function unchangedPairs(
  pairs: readonly Pair[],
  baseFolder: string,
  headFolder: string,
): Promise<readonly Pair[]> {
  const unchanged: Pair[] = [];
  for (const pair of pairs) {
    const { base, head } = pair;
    if (base === undefined || head === undefined) continue;
    if (sameSources(await sourcesOf(base, baseFolder), await sourcesOf(head, headFolder))) unchanged.push(pair);
  }
  return unchanged;
}

export function unchangedRow({ name }: Pair): UncomparedRow {
  const reason = 'its files are the same on both sides; --all measures it';
  return { implementation: name, status: 'unchanged', side: 'head', reason };
}

interface ComparePairOptions {
  readonly expectation: Expectation;
  readonly limits: ComparisonLimits;
  readonly signal: AbortSignal;
}

/** Compares the two sides, or says why not. Rejects only if interrupted, or for a bug of ours. */
export async function comparePair(pair: Pair, options: ComparePairOptions): Promise<ComparisonRow> {
  const { name: implementation, base, head } = pair;
  if (head === undefined) return { implementation, status: 'removed', side: 'base', reason: 'only base has it' };
  const { expectation, limits, signal } = options;
  // This harness hosts the module of either revision: only the implementation differs.
  const sideOf = async (found: DiscoveredImplementation) =>
    isBroken(found)
      ? ({ status: 'unreadable', reason: found.problem } as const)
      : contenderOf(found, expectation, {
          budgetSeconds: VERIFY_SECONDS,
          gauntletSeed: undefined,
          scoutMilliseconds: SCOUT_MILLISECONDS,
          signal,
        });
  return compareImplementation({
    implementation,
    base: base && (await sideOf(base)),
    head: await sideOf(head),
    task: expectation.task.training,
    limits,
    seed: randomInt(2 ** 32),
    signal,
  });
}
