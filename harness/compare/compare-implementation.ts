import type { TrainingTask } from '../../impls/contract.ts';
import type { Contender } from '../measure/contender.ts';
import { LapDeck } from '../measure/lap-deck.ts';
import { roundOrders } from '../measure/schedule.ts';
import { repeatIfStopped, runningMilliseconds } from '../program/running-clock.ts';
import { type ComparisonRow, type Side, sideOfRefusal, type UncomparedRow } from '../results/comparison.ts';
import { type ComparisonLimits, compareRounds } from './compare-rounds.ts';
import { roundPace, runRound, SideFailure } from './run-round.ts';

/** Short, so that processes take turns often; an interpreter's lap is a few documents. */
const LAP_MILLISECONDS = 5;
const FEWEST_TIMED_STEPS = 2;
/** The first round of a side checks so many steps one by one, then all of them against a second process. */
const LONGEST_LAP_STEPS = 200;

/** One side: what runs it, or why that is known not to run. */
type ComparedSide = Contender | { readonly status: 'unreadable'; readonly reason: string };

interface ImplementationComparison {
  readonly implementation: string;
  /** Undefined if only head has it. */
  readonly base: ComparedSide | undefined;
  readonly head: ComparedSide;
  readonly task: TrainingTask;
  readonly limits: ComparisonLimits;
  /** Of the laps and of the order of the turns; nobody may know it before the run. */
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly nowNanoseconds?: () => number;
}

/**
 * Verifies both sides, then runs rounds until there is a verdict. A side that fails makes a row that says which and why. Rejects
 * only if interrupted, or for a bug of ours.
 */
export async function compareImplementation(comparison: ImplementationComparison): Promise<ComparisonRow> {
  const { implementation, signal } = comparison;
  const row = (status: UncomparedRow['status'], side: Side, reason: string): UncomparedRow => {
    return { implementation, status, side, reason };
  };
  try {
    const base = comparison.base && (await admit(comparison.base, signal));
    const head = await admit(comparison.head, signal);
    if (head.status === 'skipped') {
      return base?.status === 'verified'
        ? row('lost', 'head', `base is right here, head does not run: ${head.reason}`)
        : row('skipped', 'head', head.reason);
    }
    if (head.status !== 'verified') return row(head.status, 'head', head.reason);
    if (base === undefined) return row('added', 'head', 'only head has it; it is verified');
    if (base.status === 'skipped')
      return row('added', 'head', `base does not run here (${base.reason}); head is verified`);
    if (base.status !== 'verified')
      return row('repaired', 'head', `base ${faultText[base.status]}: ${base.reason}; head is verified`);
    return { implementation, ...(await compareRightOnes(base, head, comparison)) };
  } catch (error) {
    if (!(error instanceof SideFailure) || signal.aborted) throw error;
    return row(error.status, error.side, error.message);
  }
}

const faultText = { wrong: 'is wrong', broken: 'broke', unreadable: 'has a manifest that cannot be read' } as const;

/** What its verification makes of a side. */
async function admit(side: ComparedSide, signal: AbortSignal) {
  if ('status' in side) return side;
  const admission = await side.admit(signal);
  if (admission.status !== 'verified') return { ...admission, status: sideOfRefusal[admission.status] };
  return { status: admission.status, contender: side, nanosecondsPerStep: admission.nanosecondsPerStep };
}

async function compareRightOnes(
  { contender: base, nanosecondsPerStep }: { readonly contender: Contender; readonly nanosecondsPerStep: number },
  { contender: head }: { readonly contender: Contender },
  { task, limits, seed, signal, nowNanoseconds = () => 1e6 * runningMilliseconds() }: ImplementationComparison,
) {
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
