import { join } from 'node:path';
import { expect, test } from 'vitest';
import { implementationsRoot } from '../project.ts';
import { discoverImplementations } from './discover.ts';
import { rolesOf, withRole } from './roles.ts';

const all = await discoverImplementations();

test.each(['reference', 'trusted', 'python-baseline', 'scalar-baseline'] as const)(
  'the role %s is held by implementations that are there',
  (role) => {
    expect(withRole(all, role).length).toBeGreaterThan(0);
  },
);

test('a folder elsewhere has no role, whatever its name', () => {
  const [trusted] = withRole(all, 'trusted');
  expect(rolesOf(trusted)).toContain('trusted');
  expect(rolesOf({ ...trusted, folder: join('/elsewhere', trusted.name) })).toEqual([]);
  expect(rolesOf({ name: 'unheard-of', folder: join(implementationsRoot, 'unheard-of') })).toEqual([]);
});
