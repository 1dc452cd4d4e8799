import { type DiscoveredImplementation, isBroken } from '../program/discover.ts';
import type { Row } from '../results/schema.ts';
import { exitCode } from './exit-code.ts';

type Outcome = Pick<Row, 'implementation' | 'status'>;

/** What an implementation did wrong weighs more than a manifest that could not be read, which is bad input. */
export function rowExitCode(rows: readonly Outcome[], chosen: readonly DiscoveredImplementation[]): number {
  const unreadable = chosen.filter(isBroken).map(({ name }) => name);
  const failures = rows.filter(({ status }) => status === 'mismatch' || status === 'error');
  if (failures.some((row) => !unreadable.includes(row.implementation))) return exitCode.wrong;
  return unreadable.length > 0 ? exitCode.usage : exitCode.ok;
}
