import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { implementationsRoot } from '../project.ts';
import { type DiscoveredImplementation, type Implementation, isBroken } from './discover.ts';

/**
 * What an implementation can be to the harness, which knows roles, never names.
 * - `reference`: run if no golden trace fits; the first one that is available
 * - `trusted`: the float64 trainer that stands in for the reference if both agree
 * - `python-baseline`, `scalar-baseline`: the rows the speedups are over
 */
const roleSchema = z.enum(['reference', 'trusted', 'python-baseline', 'scalar-baseline']);
export type Role = z.infer<typeof roleSchema>;

/** The folders of each role, in one file of the project, so that no competitor can claim one. */
const rolesFile = join(implementationsRoot, 'roles.json');
const foldersByRole = z.record(roleSchema, z.array(z.string())).parse(JSON.parse(readFileSync(rolesFile, 'utf8')));

/** None for an implementation from elsewhere, whatever its name. */
export function rolesOf({ name, folder }: Pick<Implementation, 'name' | 'folder'>): readonly Role[] {
  if (folder !== join(implementationsRoot, name)) return [];
  return roleSchema.options.filter((role) => foldersByRole[role].includes(name));
}

/** In the order of the ladder. */
export function withRole(all: readonly DiscoveredImplementation[], role: Role): readonly Implementation[] {
  return all.filter((found): found is Implementation => !isBroken(found) && rolesOf(found).includes(role));
}
