import { UnsupportedTask } from '../../impls/contract.ts';
import { type Contender, type Witness, WrongLaps } from '../measure/contender.ts';
import { type Lap, runLap } from '../measure/lap.ts';
import type { LapDeck } from '../measure/lap-deck.ts';
import { ImplementationFailure } from '../program/implementation-failure.ts';
import type { Side, UncomparedRow } from '../results/comparison.ts';
import { isSteady } from '../statistics/steadiness.ts';
import { type Round, summarizeTurns, type Turn } from './compare-rounds.ts';

/**
 * How much time each of a round's three processes gets: short, so that the fewest rounds fit into the first third of the default
 * budget.
 */
export const roundPace = {
  /** Cut off then: base and head have run the same number of laps in any case. */
  warmUpMilliseconds: 250,
  samplingMilliseconds: 200,
  /** However long a lap takes. */
  fewestTurns: 3,
  /** Of warm-up, and of those timed. With laps so short that more would fit, most time goes to words and to the witness. */
  mostTurns: 300,
};
export type RoundPace = Readonly<typeof roundPace>;

interface RoundOptions {
  readonly deck: LapDeck;
  readonly witnesses: Readonly<Record<Side, Witness>>;
  /** Steps in a lap, the same for both; the first is not timed. */
  readonly lapSteps: number;
  readonly pace: RoundPace;
  /** One order of the three processes for each turn. */
  readonly orders: Iterator<readonly number[], never>;
  readonly signal: AbortSignal;
}

/** Steps that are checked from the witness's own state each round; all timed ones are compared. */
const FORCED = { wholeLap: false, extraSteps: 16 };

const BASE = 0;
const HEAD = 1;
const CONTROL = 2;
const sideOf = (index: number): Side => (index === HEAD ? 'head' : 'base');

/**
 * One round: base, head and base again in fresh processes that take turns of one lap each, in a new random order every turn.
 * What the machine does for longer than some milliseconds thus meets all three alike. They run the same laps, which a witness
 * of each side repeats and checks.
 *
 * @throws SideFailure if one of them is wrong or breaks
 */
export async function runRound(base: Contender, head: Contender, options: RoundOptions): Promise<Round> {
  const { orders, signal, pace, lapSteps, deck, witnesses } = options;
  const contenders = [base, head, base];
  const starting = contenders.map((contender, index) => onSide(sideOf(index), () => contender.start(signal)));
  try {
    const trainers = await Promise.all(starting);
    const laps: Readonly<Record<Side, Lap[]>> = { base: [], head: [] };
    const takeTurn = async (firstDocument: number): Promise<Turn> => {
      const times: number[] = [];
      for (const index of orders.next().value) {
        const side = sideOf(index);
        const lap = await onSide(side, () => runLap(trainers[index], firstDocument, lapSteps));
        times[index] = lap.nanoseconds;
        laps[side].push(lap);
      }
      return { base: times[BASE], head: times[HEAD], control: times[CONTROL] };
    };
    await warmUp(() => takeTurn(deck.warmUp()), pace);
    for (const side of [laps.base, laps.head]) side.length = 0;
    const { lapOf } = deck.round(0, [lapSteps]);
    const turns = await timeTurns((turn) => takeTurn(lapOf(turn) ?? deck.warmUp()), pace);
    for (const side of ['base', 'head'] as const) {
      await onSide(side, () => witnesses[side].check(laps[side], FORCED));
    }
    return summarizeTurns(turns);
  } finally {
    // One that failed to start must not leave the other two behind.
    const started = (await Promise.allSettled(starting)).filter((outcome) => outcome.status === 'fulfilled');
    await Promise.all(started.map(({ value }) => value.quit()));
  }
}

async function warmUp(takeTurn: () => Promise<Turn>, pace: RoundPace): Promise<void> {
  const turns: Turn[] = [];
  const steady = (key: keyof Turn) => isSteady(turns.map((turn) => turn[key]));
  do turns.push(await takeTurn());
  while (
    turns.length < pace.mostTurns &&
    spentMilliseconds(turns) < pace.warmUpMilliseconds &&
    !(steady('base') && steady('head') && steady('control'))
  );
}

async function timeTurns(takeTurn: (turn: number) => Promise<Turn>, pace: RoundPace): Promise<readonly Turn[]> {
  const turns: Turn[] = [];
  do turns.push(await takeTurn(turns.length));
  while (
    turns.length < pace.fewestTurns ||
    (turns.length < pace.mostTurns && spentMilliseconds(turns) < pace.samplingMilliseconds)
  );
  return turns;
}

/** Per process. */
function spentMilliseconds(turns: readonly Turn[]): number {
  return turns.reduce((sum, { base, head, control }) => sum + base + head + control, 0) / 3 / 1e6;
}

/** One side turned out wrong, broke, or declined: which one, and what its row says. */
export class SideFailure extends Error {
  override readonly name = 'SideFailure';
  readonly side: Side;
  readonly status: UncomparedRow['status'];

  constructor(side: Side, status: UncomparedRow['status'], reason: string) {
    super(reason);
    this.side = side;
    this.status = status;
  }
}

/** Does the work of one side. It was verified, so declining a task now is a fault. @throws SideFailure if the implementation is at fault */
export async function onSide<T>(side: Side, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof WrongLaps) throw new SideFailure(side, 'wrong', error.message);
    if (error instanceof ImplementationFailure) throw new SideFailure(side, 'broken', error.message);
    if (error instanceof UnsupportedTask) throw new SideFailure(side, 'broken', error.message);
    throw error;
  }
}
