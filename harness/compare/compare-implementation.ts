import type { Contender } from '../measure/contender.ts';
import { fullPace, type Pace } from '../measure/pace.ts';
import { roundOrders } from '../measure/schedule.ts';
import { scout } from '../measure/scouting.ts';
import type { ComparisonRow } from '../results/comparison.ts';
import { type ComparisonLimits, compareRounds } from './compare-rounds.ts';
import { roundPace, runRound } from './run-round.ts';
import { onSide, SideFailure } from './side-failure.ts';

/** A lap is short, so that processes take turns often, and an interpreter's is a few documents. */
const scoutingPace: Pace = { ...fullPace, fewestDocuments: 2, lapMilliseconds: 5, verifyMilliseconds: 300 };

export interface ImplementationComparison {
  readonly base: Contender;
  readonly head: Contender;
  /** How many steps of the reference are known. */
  readonly stepsKnown: number;
  /** Documents in a step. */
  readonly batch: number;
  readonly limits: ComparisonLimits;
  /** Seed of the order of the turns. */
  readonly seed: number;
  readonly signal: AbortSignal;
  /** Monotonic clock of the harness. */
  readonly nowNanoseconds?: () => number;
}

/** Verifies both sides, then runs rounds until there is a verdict. A side that fails makes a row that says which and why. */
export async function compareImplementation(comparison: ImplementationComparison): Promise<ComparisonRow> {
  const { implementation } = comparison.head.identity;
  try {
    return { implementation, ...(await compareRightOnes(comparison)) };
  } catch (error) {
    if (!(error instanceof SideFailure) || comparison.signal.aborted) throw error;
    return { implementation, status: error.status, side: error.side, reason: error.message };
  }
}

async function compareRightOnes(comparison: ImplementationComparison) {
  const { base, head, stepsKnown, batch, limits, seed, signal } = comparison;
  const { nowNanoseconds = () => Number(process.hrtime.bigint()) } = comparison;
  const scouting = { stepsKnown, batch, pace: scoutingPace };
  const { lapSteps } = await onSide('base', () => scout(base, scouting, signal));
  await onSide('head', () => scout(head, scouting, signal));

  const orders = roundOrders(3, seed);
  const compared = await compareRounds(
    { nowNanoseconds, runRound: () => runRound(base, head, { lapSteps, pace: roundPace, orders, signal }) },
    limits,
  );
  const { first, confirmation, verdict, reason, times } = compared;
  const microseconds = (lapNanoseconds: number) => lapNanoseconds / 1000 / (lapSteps * batch);
  return {
    status: 'compared' as const,
    verdict,
    reason,
    ratio: first.ratio,
    control: first.control,
    ...(confirmation === undefined ? {} : { confirmation }),
    rounds: first.rounds,
    microsecondsPerSample: { base: microseconds(times.baseNanoseconds), head: microseconds(times.headNanoseconds) },
  };
}
