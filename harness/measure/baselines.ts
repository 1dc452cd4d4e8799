import { rowName } from '../results/names.ts';
import type { Baseline } from '../results/schema.ts';
import type { Contender } from './contender.ts';

type Candidate = Pick<Contender, 'identity' | 'roles'>;

/**
 * The rows that all others are compared with. Those asked for, or else Python where it runs and the first row named where it
 * does not, and the scalar autograd beside it.
 *
 * @param asked names of rows or of implementations, the headline's first; a name that no candidate has is left out
 * @param firstNamed the implementation that the person named first
 */
export function chooseBaselines(
  candidates: readonly Candidate[],
  asked: readonly string[],
  firstNamed?: string,
): readonly Baseline[] {
  const named = (name: string | undefined) =>
    candidates.find(({ identity }) => rowName(identity) === name) ??
    candidates.find(({ identity }) => identity.implementation === name);
  const withRole = (role: NonNullable<Baseline['role']>) => candidates.find(({ roles }) => roles.includes(role));
  const chosen =
    asked.length > 0
      ? asked.map(named)
      : [withRole('python-baseline') ?? named(firstNamed) ?? candidates[0], withRole('scalar-baseline')];
  return [...new Set(chosen)]
    .filter((candidate) => candidate !== undefined)
    .map(({ identity, roles }) => {
      const role = (['python-baseline', 'scalar-baseline'] as const).find((one) => roles.includes(one));
      return { row: rowName(identity), ...(role === undefined ? {} : { role }) };
    });
}
