import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from './project.ts';

/**
 * A folder imports only from itself and from those before it. What stands in harness/ itself may be imported by all, and so
 * may the contract. Tests, and testing/, may import anything.
 *
 * Biome's noRestrictedImports needs a list of forbidden patterns for each folder, and dependency-cruiser brings 18 packages
 * and wants a newer Node than `npm ci` does. This file is shorter than either's configuration.
 */
const order = [
  'harness/task',
  'harness/program',
  'harness/conformance',
  'harness/verify',
  'harness/diagnose',
  'harness/statistics',
  'harness/results',
  'harness/measure',
  'harness/profile',
  'harness/compare',
  'harness/present',
  'harness/scaffold',
  'harness/cli',
];

/** What the page in the browser runs: these, and all that they import, need no Node. */
const runsInTheBrowser = [
  /^harness\/statistics\//,
  /^harness\/task\/(?!dataset|prepare-task)/,
  /^harness\/diagnose\/(model-gradient|rules-trainer|training-rules)\.ts$/,
  /^harness\/verify\/(float64-model|teacher|tensor-check|timed-laps)\.ts$/,
];

interface Import {
  readonly from: string;
  /** A path of the project, or the name of a package. */
  readonly of: string;
  /** `import type`: gone when the file runs. */
  readonly isErased: boolean;
}

/** As the formatter writes them. */
const importStatement = /^(?:import|export) (?<type>type )?(?:[^;']*? from )?'(?<named>[^']+)';$/gm;

async function importsIn(folder: string): Promise<readonly Import[]> {
  const imports: Import[] = [];
  for await (const path of glob(`${folder}/**/*.ts`, { cwd: projectRoot, exclude: ['**/templates/**'] })) {
    const from = path.replaceAll('\\', '/');
    const source = readFileSync(join(projectRoot, path), 'utf8');
    for (const { groups } of source.matchAll(importStatement)) {
      const { type, named = '' } = groups ?? {};
      const target = relative(projectRoot, join(projectRoot, dirname(path), named)).replaceAll('\\', '/');
      imports.push({ from, of: named.startsWith('.') ? target : named, isErased: type !== undefined });
    }
  }
  return imports;
}

const isTest = (file: string) => /\.test\.ts$|\/test-[^/]+\.ts$|^(harness|impls)\/testing\//.test(file);
const folderOf = (file: string) => file.split('/').slice(0, 2).join('/');
const isOpenToAll = (file: string) => file === 'impls/contract.ts' || /^harness\/[^/]+\.ts$/.test(file);

const inHarness = await importsIn('harness');
const inImplementations = await importsIn('impls');

test('a folder of the harness imports only from those before it', () => {
  const against = inHarness.flatMap(({ from, of }) => {
    const isPackage = !/^(harness|impls|scripts)\//.test(of);
    if (isTest(from) || isPackage || isOpenToAll(of)) return [];
    const isBefore = order.includes(folderOf(of)) && order.indexOf(folderOf(of)) <= order.indexOf(folderOf(from));
    return isBefore ? [] : [{ from, of }];
  });
  expect(against).toEqual([]);
});

test('statistics imports nothing of the project', () => {
  const imports = inHarness.filter(({ from }) => from.startsWith('harness/statistics/') && !isTest(from));
  expect(imports.filter(({ of }) => of.includes('/') && folderOf(of) !== 'harness/statistics')).toEqual([]);
});

test('what the page in the browser runs needs no Node', () => {
  const reached = new Set(
    inHarness.map(({ from }) => from).filter((file) => !isTest(file) && runsInTheBrowser.some((is) => is.test(file))),
  );
  expect(reached.size).toBeGreaterThan(10);
  // A set hands out what is added to it on the way.
  for (const file of reached) {
    for (const { from, of, isErased } of inHarness) {
      if (from === file && !isErased && of.startsWith('harness/')) reached.add(of);
    }
  }
  expect(inHarness.filter(({ from, of }) => reached.has(from) && of.startsWith('node:'))).toEqual([]);
});

test('an implementation imports only the contract and implementations; what its tests share, from tests alone', () => {
  const against = inImplementations.filter(
    ({ from, of }) => !isTest(from) && (of.startsWith('harness/') || of.startsWith('impls/testing/')),
  );
  expect(against).toEqual([]);
});
