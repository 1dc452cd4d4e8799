import { randomInt } from 'node:crypto';
import { contenderOf } from '../measure/contender.ts';
import { suggestion } from '../nearest-name.ts';
import { type DiscoveredImplementation, type Implementation, isBroken } from '../program/discover.ts';
import { type ComparisonRow, type Side, sideOfRefusal, type UncomparedRow } from '../results/comparison.ts';
import { UsageError } from '../usage-error.ts';
import type { Expectation } from '../verify/expectation.ts';
import { verifyImplementation } from '../verify/verify-implementation.ts';
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

/** Verifies both sides of a pair and compares their times, or says why not. Rejects only if interrupted, or for a bug of ours. */
export async function comparePair(pair: Pair, options: ComparePairOptions): Promise<ComparisonRow> {
  const { name: implementation } = pair;
  const row = (status: UncomparedRow['status'], side: Side, reason: string): UncomparedRow => ({
    implementation,
    status,
    side,
    reason,
  });
  if (pair.head === undefined) return row('removed', 'base', 'only base has it');
  const base = pair.base && (await verifySide(pair.base, options));
  const head = await verifySide(pair.head, options);
  if (isFault(head)) return row(head.state, 'head', head.reason);
  if (head.state === 'skipped') {
    return base?.state === 'verified'
      ? row('lost', 'head', `base is right here, head does not run: ${head.reason}`)
      : row('skipped', 'head', head.reason);
  }
  if (base === undefined) return row('added', 'head', 'only head has it; it is verified');
  if (base.state === 'skipped')
    return row('added', 'head', `base does not run here (${base.reason}); head is verified`);
  if (base.state !== 'verified')
    return row('repaired', 'head', `base ${faultText[base.state]}: ${base.reason}; head is verified`);

  const { expectation, limits, signal } = options;
  // This harness hosts the module of either revision: only the implementation differs.
  const contender = (verified: VerifiedSide) =>
    contenderOf(verified.implementation, expectation, {
      // Verified already; this finds out how fast it is.
      budgetSeconds: 0,
      gauntletSeed: undefined,
      scoutMilliseconds: SCOUT_MILLISECONDS,
    });
  return compareImplementation({
    base: await contender(base),
    head: await contender(head),
    task: expectation.task.training,
    limits,
    seed: randomInt(2 ** 32),
    signal,
  });
}

interface VerifiedSide {
  readonly state: 'verified';
  readonly implementation: Implementation;
}

interface FaultySide {
  readonly state: 'wrong' | 'broken' | 'unreadable';
  readonly reason: string;
}

type VerifiedState = VerifiedSide | FaultySide | { readonly state: 'skipped'; readonly reason: string };

const faultText: Record<FaultySide['state'], string> = {
  wrong: 'is wrong',
  broken: 'broke',
  unreadable: 'has a manifest that cannot be read',
};

function isFault(side: VerifiedState): side is FaultySide {
  return side.state in faultText;
}

/** Checks gradient and update of the first step, and losses as far as the time goes. */
async function verifySide(
  found: DiscoveredImplementation,
  { expectation, signal }: ComparePairOptions,
): Promise<VerifiedState> {
  if (isBroken(found)) return { state: 'unreadable', reason: found.problem };
  const verification = await verifyImplementation(found, expectation, { signal, budgetSeconds: VERIFY_SECONDS });
  if (verification.status === 'verified') return { state: 'verified', implementation: found };
  return { state: sideOfRefusal[verification.status], reason: verification.reason };
}
