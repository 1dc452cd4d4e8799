import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as checkout from './project.ts';

/** The same module where npm installs it. */
let installed: typeof checkout;
let folder: string;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'microgpt-bench-')));
  const harness = join(folder, 'node_modules', 'microgpt-bench', 'harness');
  await mkdir(harness, { recursive: true });
  const source = await readFile(join(import.meta.dirname, 'project.ts'), 'utf8');
  await writeFile(join(harness, 'project.mjs'), stripTypeScriptTypes(source));
  installed = await import(pathToFileURL(join(harness, 'project.mjs')).href);
});
afterAll(() => rm(folder, { recursive: true }));

test('a command is named as it is typed: by npm in a checkout, by npx where the package is installed', () => {
  const words = ['my-row', '--impls', 'my rows'] as const;
  expect(checkout.commandLine('check', ...words)).toBe('npm run check -- my-row --impls "my rows"');
  expect(installed.commandLine('check', ...words)).toBe('npx microgpt-bench check my-row --impls "my rows"');
  expect([checkout.commandLine('list'), installed.commandLine('list')]).toEqual([
    'npm run list',
    'npx microgpt-bench list',
  ]);
});

test('a damaged file of ours is restored by git in a checkout, by npm where the package is installed', () => {
  expect(checkout.restoring(join(checkout.projectRoot, 'reference', 'x.txt'))).toMatch(
    /`git checkout reference.x\.txt`/,
  );
  expect(installed.restoring(join(installed.projectRoot, 'reference', 'x.txt'))).toBe('install the package anew');
});

test('where the package is installed, output goes to the folder that one works in', () => {
  expect(installed.resultsFolder).toBe(join(process.cwd(), 'results'));
  expect(installed.cacheFolder('build')).toBe(join(process.cwd(), '.cache', 'microgpt-bench', 'build'));
});
