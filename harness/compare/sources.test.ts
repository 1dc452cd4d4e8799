import { cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { discoverImplementations, isBroken } from '../program/discover.ts';
import { sameSources, sourcesOf } from './sources.ts';

let folder: string;
const files: Readonly<Record<string, string>> = {
  'package-lock.json': '{}',
  'docs/ci.md': 'prose',
  'reference/serve.py': 'import microgpt',
  'reference/microgpt.py': 'pass',
  'impls/contract.ts': 'export interface Trainer {}',
  'impls/own/impl.json': JSON.stringify({ protocol: 2, run: { module: 'own.ts' } }),
  'impls/own/own.ts': "import '../shared/kernel.ts';",
  'impls/own/README.md': 'prose',
  'impls/own/own.test.ts': "import '../../harness/project.ts';",
  'impls/shared/kernel.ts': "import './inner.ts';",
  'impls/shared/inner.ts': "const kept = '../../.cache/kernels';",
  '.cache/kernels/kernel.wasm': 'built',
  'impls/python/impl.json': '{"run":{"command":["python3","../../reference/serve.py"]}}',
  'impls/stranger/stranger.ts': 'export {};',
  'harness/project.ts': 'export {};',
};
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'sources-')));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, 'base', name)), { recursive: true });
    await writeFile(join(folder, 'base', name), text);
  }
  await cp(join(folder, 'base'), join(folder, 'head'), { recursive: true });
});
afterEach(() => rm(folder, { recursive: true }));

async function same(name = 'own'): Promise<boolean> {
  const of = (side: string) => sourcesOf({ folder: join(folder, side, 'impls', name) }, join(folder, side));
  return sameSources(await of('base'), await of('head'));
}

test('an implementation runs from its own files, the contract, and whatever they name outside', async () => {
  const found = await sourcesOf({ folder: join(folder, 'base', 'impls', 'own') }, join(folder, 'base'));
  expect([...found.keys()].sort()).toEqual([
    'impls/contract.ts',
    'impls/own/impl.json',
    'impls/own/own.ts',
    'impls/shared/inner.ts',
    'impls/shared/kernel.ts',
    'package-lock.json',
  ]);
});

test.each([
  'docs/ci.md',
  'impls/own/README.md',
  'impls/own/own.test.ts',
  'impls/stranger/stranger.ts',
  'harness/project.ts',
  '.cache/kernels/kernel.wasm',
])('a change of %s leaves it as it was', async (file) => {
  await writeFile(join(folder, 'head', file), 'changed');
  expect(await same()).toBe(true);
});

test.each(['impls/own/own.ts', 'impls/shared/inner.ts', 'impls/contract.ts', 'package-lock.json'])(
  'a change of %s is a change of it',
  async (file) => {
    await writeFile(join(folder, 'head', file), 'changed');
    expect(await same()).toBe(false);
  },
);

test('a module beside a file that is named counts too', async () => {
  expect(await same('python')).toBe(true);
  await writeFile(join(folder, 'head', 'reference', 'microgpt.py'), 'changed');
  expect(await same('python')).toBe(false);
});

test('a file that is gone, or new, is a change', async () => {
  await rm(join(folder, 'head', 'impls', 'own', 'own.ts'));
  expect(await same()).toBe(false);
});

test('every implementation of this project is the same as itself', async () => {
  for (const found of await discoverImplementations()) {
    if (isBroken(found)) continue;
    const sources = await sourcesOf(found, join(found.folder, '../..'));
    expect(sources.size).toBeGreaterThan(1);
    for (const path of sources.keys()) expect(path).not.toMatch(/^(harness|docs|node_modules|\.cache)\//);
  }
});
