import { contenderOf } from '../measure/contender.ts';
import { suggestion } from '../nearest-name.ts';
import {
  type DiscoveredImplementation,
  discoverImplementations,
  type Implementation,
  isBroken,
} from '../program/discover.ts';
import type { ComparisonRow, Side, UncomparedRow } from '../results/comparison.ts';
import { UsageError } from '../usage-error.ts';
import type { Expectation } from '../verify/expectation.ts';
import { verifyImplementation } from '../verify/verify-implementation.ts';
import { compareImplementation } from './compare-implementation.ts';
import type { ComparisonLimits } from './compare-rounds.ts';

/** For each side. Every lap is verified besides, so that this need not go on to the last step. */
const VERIFY_SECONDS = 1;

/** One name, as it stands on either side. */
export interface Pair {
  readonly name: string;
  readonly base: DiscoveredImplementation | undefined;
  readonly head: DiscoveredImplementation | undefined;
}

/**
 * The implementations of two folders, paired by name, in the order of head's ladder; those that head no longer has come last.
 * @throws UsageError for a name that neither side has (with the nearest known one)
 */
export async function pairImplementations(
  base: string,
  head: string,
  names: readonly string[],
): Promise<readonly Pair[]> {
  const [before, after] = await Promise.all([discoverImplementations(base), discoverImplementations(head)]);
  const known = [...new Set([...after, ...before].map(({ name }) => name))];
  for (const name of names) {
    if (!known.includes(name)) throw new UsageError(`unknown implementation "${name}"${suggestion(name, known)}`);
  }
  const named = (side: readonly DiscoveredImplementation[], name: string) => side.find((found) => found.name === name);
  return known
    .filter((name) => names.length === 0 || names.includes(name))
    .map((name) => ({ name, base: named(before, name), head: named(after, name) }));
}

export interface ComparePairOptions {
  readonly expectation: Expectation;
  readonly limits: ComparisonLimits;
  readonly signal: AbortSignal;
}

/** Compares the two sides of one pair, or says why it cannot. Rejects only when interrupted, or for a bug of ours. */
export async function comparePair(pair: Pair, options: ComparePairOptions): Promise<ComparisonRow> {
  const { name, base, head } = pair;
  if (base === undefined) return uncompared(name, 'added', 'head', 'only head has it');
  if (head === undefined) return uncompared(name, 'removed', 'base', 'only base has it');
  if (isBroken(base)) return uncompared(name, 'unreadable', 'base', base.problem);
  if (isBroken(head)) return uncompared(name, 'unreadable', 'head', head.problem);
  for (const [side, implementation] of [
    ['base', base],
    ['head', head],
  ] as const) {
    const refused = await verifySide(side, implementation, options);
    if (refused !== undefined) return refused;
  }
  const { expectation, limits, signal } = options;
  // This harness's host runs the module of either revision: what differs is the implementation alone.
  const contender = (implementation: Implementation) =>
    contenderOf({ implementation }, expectation, { signal, budgetSeconds: VERIFY_SECONDS });
  return compareImplementation({
    base: await contender(base),
    head: await contender(head),
    stepsKnown: expectation.reference.losses.length,
    batch: expectation.task.training.batch,
    limits,
    seed: expectation.task.description.seed,
    signal,
  });
}

/** Gradient and update of the first step, and losses as far as the time goes; undefined where all is well. */
async function verifySide(
  side: Side,
  implementation: Implementation,
  { expectation, signal }: ComparePairOptions,
): Promise<UncomparedRow | undefined> {
  const verification = await verifyImplementation(implementation, expectation, {
    signal,
    budgetSeconds: VERIFY_SECONDS,
  });
  if (verification.status === 'verified') return undefined;
  const statuses = { mismatch: 'wrong', error: 'broken', skipped: 'skipped', unsupported: 'skipped' } as const;
  return uncompared(implementation.name, statuses[verification.status], side, verification.reason);
}

function uncompared(
  implementation: string,
  status: UncomparedRow['status'],
  side: Side,
  reason: string,
): UncomparedRow {
  return { implementation, status, side, reason };
}
