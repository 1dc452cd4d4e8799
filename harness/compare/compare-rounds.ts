import { median } from 'simple-statistics';
import { independentMedianInterval, relativeHalfWidth } from '../statistics/median-interval.ts';
import { type Evidence, type Judgement, judge, needsConfirmation } from './verdict.ts';

/**
 * Below six the interval rests on an assumption about the distribution (see `medianInterval`); with two more it does not hang
 * on the extremes.
 */
const FEWEST_ROUNDS = 8;

/** If one step takes too long for that: the fewest rounds that give an interval. */
const FEWEST_SLOW_ROUNDS = 3;

/** The first rounds may stop at this half-width over threshold: ±1.7% for 5% tells 5% from 10%. */
const PRECISION_OF_THRESHOLD = 1 / 3;

/** A suspected regression must show again in this many times as many rounds; that much more of the budget is kept for them. */
const LONGER = 2;

/** What a comparison needs from outside, so that tests can simulate it. */
export interface RoundSource {
  readonly runRound: () => Promise<Round>;
  readonly nowNanoseconds: () => number;
}

export interface ComparisonLimits {
  /** Smallest change that matters, as a fraction. */
  readonly threshold: number;
  /** For all rounds together; overrun only by the fewest rounds there must be. */
  readonly budgetNanoseconds: number;
  /** Told the rounds so far, of the first ones or of those that confirm, and their ratio. */
  readonly onRound?: (progress: { confirming: boolean; rounds: number; ratio: number }) => void;
}

interface ComparedRounds extends Judgement {
  readonly first: Evidence;
  readonly confirmation?: Evidence;
  /** Medians over the rounds of `first`. */
  readonly times: Pick<Round, 'baseNanoseconds' | 'headNanoseconds'>;
}

/**
 * Runs rounds until the interval is narrow enough or the time is up, then twice as many to confirm a suspected regression.
 * Stopping looks at the interval's width, never at where it lies, which would favour chance (Chow & Robbins, "On the asymptotic
 * theory of fixed-width sequential confidence intervals for the mean", Annals of Mathematical Statistics 36(2), 1965).
 */
export async function compareRounds(source: RoundSource, limits: ComparisonLimits): Promise<ComparedRounds> {
  const { threshold, budgetNanoseconds, onRound } = limits;
  const tell = (rounds: readonly Round[], confirming: boolean) =>
    onRound?.({ confirming, rounds: rounds.length, ratio: median(rounds.map(({ ratio }) => ratio)) });
  const firstDeadline = source.nowNanoseconds() + budgetNanoseconds / (1 + LONGER);

  const firstRounds = await collectRounds(source, (rounds) => {
    tell(rounds, false);
    const late = source.nowNanoseconds() >= firstDeadline;
    if (rounds.length < FEWEST_ROUNDS) return late && rounds.length >= FEWEST_SLOW_ROUNDS;
    return late || relativeHalfWidth(evidenceFrom(rounds).ratio) <= threshold * PRECISION_OF_THRESHOLD;
  });
  const first = evidenceFrom(firstRounds);
  const times = {
    baseNanoseconds: median(firstRounds.map(({ baseNanoseconds }) => baseNanoseconds)),
    headNanoseconds: median(firstRounds.map(({ headNanoseconds }) => headNanoseconds)),
  };
  if (!needsConfirmation(first, threshold)) return { ...judge(first, undefined, threshold), first, times };

  const confirmingRounds = await collectRounds(source, (rounds) => {
    tell(rounds, true);
    return rounds.length >= LONGER * firstRounds.length;
  });
  const confirmation = evidenceFrom(confirmingRounds);
  return { ...judge(first, confirmation, threshold), first, confirmation, times };
}

async function collectRounds(
  source: RoundSource,
  enough: (rounds: readonly Round[]) => boolean,
): Promise<readonly Round[]> {
  const rounds: Round[] = [];
  do rounds.push(await source.runRound());
  while (!enough(rounds));
  return rounds;
}

/** The times of one turn: a lap each of base, head, and base once more as the control. */
export interface Turn {
  readonly base: number;
  readonly head: number;
  readonly control: number;
}

/** What three fresh processes give together. One figure of each kind: turns inside a process are not independent. */
export interface Round {
  /** Head over base. */
  readonly ratio: number;
  /** Base over base. */
  readonly control: number;
  readonly baseNanoseconds: number;
  readonly headNanoseconds: number;
}

/**
 * Takes ratios inside each turn, a few dozen milliseconds in which the machine hardly changes; the round's ratios are their
 * medians. Head is compared with the geometric mean of both base processes, which halves their noise and leaves `ratio`
 * uncorrelated with `control`. @throws RangeError without a turn
 */
export function summarizeTurns(turns: readonly Turn[]): Round {
  if (turns.length === 0) throw new RangeError('a round needs at least one turn');
  const of = (figure: (turn: Turn) => number) => median(turns.map(figure));
  return {
    ratio: of(({ base, head, control }) => head / Math.sqrt(base * control)),
    control: of(({ base, control }) => control / base),
    baseNanoseconds: of(({ base, control }) => Math.sqrt(base * control)),
    headNanoseconds: of(({ head }) => head),
  };
}

/** Each round is one independent sample. */
export function evidenceFrom(rounds: readonly Round[]): Evidence {
  return {
    ratio: independentMedianInterval(rounds.map(({ ratio }) => ratio)),
    control: independentMedianInterval(rounds.map(({ control }) => control)),
    rounds: rounds.length,
  };
}
