import { median } from 'simple-statistics';
import { independentMedianInterval } from '../statistics/median-interval.ts';
import type { Evidence } from './verdict.ts';

/** The times of one turn, one lap each of three processes that take turns: base, head, and base once more as the control. */
export interface Turn {
  readonly base: number;
  readonly head: number;
  readonly control: number;
}

/** What three fresh processes give together: one figure of each kind, since turns inside a process are not independent. */
export interface Round {
  /** Head over base. */
  readonly ratio: number;
  /** Base over base. */
  readonly control: number;
  readonly baseNanoseconds: number;
  readonly headNanoseconds: number;
}

/**
 * Ratios are taken inside each turn, a few dozen milliseconds in which the machine hardly changes, and the round's are their
 * medians: a turn that the machine disturbed counts like any other single turn. Head is set against the geometric mean of both
 * base processes, which halves their share of the noise and leaves `ratio` uncorrelated with `control`.
 *
 * @throws RangeError where there is no turn
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

/** Intervals over rounds: each round is one independent sample. */
export function evidenceFrom(rounds: readonly Round[]): Evidence {
  return {
    ratio: independentMedianInterval(rounds.map(({ ratio }) => ratio)),
    control: independentMedianInterval(rounds.map(({ control }) => control)),
    rounds: rounds.length,
  };
}
