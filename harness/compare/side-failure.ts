import { UnsupportedTask } from '../../impls/contract.ts';
import { WrongLaps } from '../measure/contender.ts';
import { ImplementationFailure } from '../program/implementation-failure.ts';
import type { Side, UncomparedRow } from '../results/comparison.ts';

/** One side of a comparison turned out wrong, broke, or declined: which one, and what its row says. */
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

/** Does the work of one side, which was verified: a task that it declines now is one that it should have declined then. @throws SideFailure where the implementation is at fault; whatever else is thrown goes through as it is */
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
