import type { TrainingTask } from '../../impls/contract.ts';
import type { Admission, Contender, Refusal } from '../measure/contender.ts';
import { LapDeck } from '../measure/lap-deck.ts';
import { roundOrders } from '../measure/schedule.ts';
import { repeatIfStopped, runningMilliseconds } from '../program/running-clock.ts';
import { type ComparisonRow, type Side, sideOfRefusal } from '../results/comparison.ts';
import { type ComparisonLimits, compareRounds } from './compare-rounds.ts';
import { onSide, roundPace, runRound, SideFailure } from './run-round.ts';

/** Short, so that processes take turns often; an interpreter's lap is a few documents. */
const LAP_MILLISECONDS = 5;
const FEWEST_TIMED_STEPS = 2;
/** The first round of a side checks so many steps one by one, then all of them against a second process. */
const LONGEST_LAP_STEPS = 200;

interface ImplementationComparison {
  readonly base: Contender;
  readonly head: Contender;
  readonly task: TrainingTask;
  readonly limits: ComparisonLimits;
  /** Of the laps and of the order of the turns; nobody may know it before the run. */
  readonly seed: number;
  readonly signal: AbortSignal;
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
  const { base, head, task, limits, seed, signal } = comparison;
  const { nowNanoseconds = () => 1e6 * runningMilliseconds() } = comparison;
  const { nanosecondsPerStep } = admitted('base', await onSide('base', () => base.admit(signal)));
  admitted('head', await onSide('head', () => head.admit(signal)));
  const fitting = Math.floor((LAP_MILLISECONDS * 1e6) / nanosecondsPerStep);
  const lapSteps = Math.min(1 + Math.min(Math.max(fitting, FEWEST_TIMED_STEPS), LONGEST_LAP_STEPS), task.numSteps);
  const deck = new LapDeck(task, seed);
  const witnesses = { base: base.witness(signal), head: head.witness(signal) };
  const orders = roundOrders(3, seed);
  const compared = await compareRounds(
    {
      nowNanoseconds,
      runRound: () =>
        repeatIfStopped(() => runRound(base, head, { deck, witnesses, lapSteps, pace: roundPace, orders, signal })),
    },
    limits,
  ).finally(() => Promise.all([witnesses.base.quit(), witnesses.head.quit()]));
  const { first, confirmation, verdict, reason, times } = compared;
  const microseconds = (lapNanoseconds: number) => lapNanoseconds / 1000 / ((lapSteps - 1) * task.batch);
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

function admitted(side: Side, admission: Admission | Refusal): Admission {
  if (admission.status === 'verified') return admission;
  throw new SideFailure(side, sideOfRefusal[admission.status], admission.reason);
}
