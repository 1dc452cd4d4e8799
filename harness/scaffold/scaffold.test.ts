import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { discoverImplementations, isBroken } from '../program/discover.ts';
import { implementationsRoot } from '../project.ts';
import { UsageError } from '../usage-error.ts';
import { filledIn, scaffold, scaffoldLanguages } from './scaffold.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'microgpt-bench-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

test.for(scaffoldLanguages)('%s: a folder that is discovered, with its name filled in', async (language) => {
  const name = `new-${language}`;
  const files = await scaffold(root, name, language);
  expect((await readdir(join(root, name))).length).toBeGreaterThan(0);
  expect(files).toContain('impl.json');
  const found = (await discoverImplementations(root)).find((one) => one.name === name);
  expect(found !== undefined && !isBroken(found)).toBe(true);
  for (const file of files) {
    const text = await readFile(join(root, name, file), 'utf8');
    expect(text).not.toContain('{{name}}');
    // What is named outside of the folder is there, wherever the folder is.
    for (const [path] of text.matchAll(/(?:\.\.\/)+(?:contract\.ts|README\.md|(?:c|rust|julia)\/[\w./]+)/g)) {
      await expect(stat(join(root, name, path)), path).resolves.toBeDefined();
    }
  }
  expect(await readFile(join(root, name, 'README.md'), 'utf8')).toContain(`npm run check -- ${name} --impls ${root}\n`);
});

test('the way to what is shared may lead through a folder that is called like a language', () => {
  const template = "import '../../../../impls/contract.ts'; include '../c/task.h'";
  expect(filledIn(template, 'mine', '../../c/bench/impls/')).toBe(
    "import '../../c/bench/impls/contract.ts'; include '../../c/bench/impls/c/task.h'",
  );
});

test('beside the implementations of this project, what is shared is one step up', async () => {
  const inside = await mkdtemp(join(implementationsRoot, '.scaffold-test-'));
  try {
    await scaffold(inside, 'mine', 'c');
    expect(await readFile(join(inside, 'mine', 'impl.json'), 'utf8')).toContain('"../../c/task.c"');
    expect(filledIn('npm run check -- {{name}} --protocol', 'mine', '../')).toBe('npm run check -- mine --protocol');
  } finally {
    await rm(inside, { recursive: true });
  }
});

test('never overwrites: what is there stays as it is', async () => {
  await scaffold(root, 'mine', 'typescript');
  await writeFile(join(root, 'mine', 'impl.json'), 'changed');
  await expect(scaffold(root, 'mine', 'c')).rejects.toThrow(/mine is there already, and nothing is overwritten/);
  expect(await readFile(join(root, 'mine', 'impl.json'), 'utf8')).toBe('changed');
});

test('two at once: one gets the name', async () => {
  const outcomes = await Promise.allSettled([scaffold(root, 'race', 'c'), scaffold(root, 'race', 'c')]);
  expect(outcomes.map((outcome) => outcome.status).toSorted()).toEqual(['fulfilled', 'rejected']);
});

test('refuses a language without a starting point, names those there are, and the way to use any other', async () => {
  await expect(scaffold(root, 'typo', 'go')).rejects.toThrow(
    'unknown language "go"; there are typescript, python, rust, c, julia, program; for any other language write --language program',
  );
  await expect(scaffold(root, 'typo', 'pyton')).rejects.toThrow('unknown language "pyton"; did you mean "python"?');
  expect(await readdir(root)).not.toContain('typo');
});

test.for(['', 'Upper', '../escape', 'a--b', '-a', 'a-', '9lives', 'with space', 'x'.repeat(41)])(
  'refuses the name "%s"',
  async (name) => {
    await expect(scaffold(root, name, 'c')).rejects.toThrow(UsageError);
  },
);

test('whatever the name, it makes a folder of that name or refuses it', async () => {
  const before = new Set(await readdir(root));
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 12 }), async (name) => {
      const made = await scaffold(root, name, 'python').then(
        () => true,
        (error) => {
          expect(error).toBeInstanceOf(UsageError);
          return false;
        },
      );
      if (made) before.add(name);
      expect(new Set(await readdir(root))).toEqual(before);
    }),
    { numRuns: 100 },
  );
});
