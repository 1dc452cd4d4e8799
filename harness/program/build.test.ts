import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildImplementation, builtCommand } from './build.ts';
import type { Implementation } from './discover.ts';
import { ImplementationFailure } from './implementation-failure.ts';

/** Copies source.txt into the build folder, and notes in runs.txt that it ran. */
const builder = `
import { appendFileSync, copyFileSync } from 'node:fs';
appendFileSync('runs.txt', 'ran;');
copyFileSync('source.txt', process.argv[2] + '/program.txt');
`;

let folder: string;
const outputs: string[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'microgpt-bench-'));
  await writeFile(join(folder, 'build.mjs'), builder);
  await writeFile(join(folder, 'source.txt'), 'one');
});
afterEach(async () => {
  for (const output of [folder, ...outputs.splice(0)]) await rm(output, { recursive: true, force: true });
});

function implementation(
  inputs: readonly string[] = ['build.mjs', 'source.txt'],
  ...command: readonly string[]
): Implementation {
  return {
    name: basename(folder),
    folder,
    manifest: {
      protocol: 2,
      language: 'none',
      technique: 'copied',
      precision: 'float64',
      threads: 1,
      order: 0,
      needs: [],
      run: { command: ['{output}/program.txt'] },
      build: {
        command: command.length > 0 ? [...command] : [process.execPath, 'build.mjs', '{output}'],
        inputs: [...inputs],
        optional: [],
      },
    },
  };
}

async function build(built: Implementation) {
  const output = await buildImplementation(built);
  if (output === undefined) throw new Error('expected a build');
  outputs.push(output.folder);
  return output;
}

const runs = async () => (await readFile(join(folder, 'runs.txt'), 'utf8')).split(';').length - 1;

test('built once, and its time told only then', async () => {
  const first = await build(implementation());
  const second = await build(implementation());
  expect(first.nanoseconds).toBeGreaterThan(0);
  expect(second).toEqual({ folder: first.folder });
  expect(await runs()).toBe(1);
  expect(await readFile(join(first.folder, 'program.txt'), 'utf8')).toBe('one');
});

test('built again when an input changes, and found again when it changes back', async () => {
  const one = await build(implementation());
  await writeFile(join(folder, 'source.txt'), 'two');
  const two = await build(implementation());
  expect(await readFile(join(two.folder, 'program.txt'), 'utf8')).toBe('two');
  await writeFile(join(folder, 'source.txt'), 'one');
  expect((await build(implementation())).folder).toBe(one.folder);
  expect(await runs()).toBe(2);
});

test('a change beside the inputs does not matter', async () => {
  const before = await build(implementation());
  await writeFile(join(folder, 'notes.txt'), 'unrelated');
  expect((await build(implementation())).folder).toBe(before.folder);
});

test('two at once end with one and the same whole output', async () => {
  const [one, other] = await Promise.all([build(implementation()), build(implementation())]);
  expect(one.folder).toBe(other.folder);
  expect(await readdir(one.folder)).toContain('program.txt');
  const beside = await readdir(dirname(one.folder));
  expect(beside.filter((name) => name.startsWith(`${basename(one.folder)}.`))).toEqual([]);
});

test('inputs may be folders and patterns', async () => {
  const before = await build(implementation(['.']));
  await writeFile(join(folder, 'more.txt'), 'more');
  const after = await build(implementation(['*.txt', 'build.mjs']));
  expect(after.folder).not.toBe(before.folder);
});

const withOptional = (...words: readonly string[]) => {
  const one = implementation(undefined, process.execPath, 'build.mjs', '{output}', ...words);
  const { build: its, ...manifest } = one.manifest;
  return { ...one, manifest: { ...manifest, ...(its && { build: { ...its, optional: [...words] } }) } };
};

test('an optional word that the compiler takes stays in its command', async () => {
  const built = withOptional('--fast');
  expect(await builtCommand(built)).toBeUndefined();
  await build(built);
  expect(await builtCommand(built)).toEqual([process.execPath, 'build.mjs', '{output}', '--fast']);
  expect(await runs()).toBe(1);
});

test('a compiler that refuses an optional word is run once more without it, and the command tells', async () => {
  await writeFile(join(folder, 'build.mjs'), `if (process.argv.includes('--fast')) process.exit(1);${builder}`);
  const built = withOptional('--fast');
  const { folder: output } = await build(built);
  expect(await readFile(join(output, 'program.txt'), 'utf8')).toBe('one');
  expect(await builtCommand(built)).toEqual([process.execPath, 'build.mjs', '{output}']);
});

test('a build that fails without its optional words too ends with what it then said', async () => {
  await writeFile(
    join(folder, 'build.mjs'),
    'console.error(process.argv.slice(3).join() || "line 3: no such thing"); process.exit(9)',
  );
  const failure = await buildImplementation(withOptional('--fast')).catch((error) => error);
  expect(failure instanceof ImplementationFailure && failure.stderrTail).toBe('line 3: no such thing');
});

test('no build, no output', async () => {
  const { build: _, ...manifest } = implementation().manifest;
  expect(await buildImplementation({ ...implementation(), manifest })).toBeUndefined();
});

test.each([
  [
    'fails',
    ['build.mjs'],
    [process.execPath, '-e', 'console.error("line 3: no such thing"); process.exit(9)'],
    /ended with exit code 9/,
  ],
  ['cannot be run', ['build.mjs'], ['no-such-compiler'], /could not be run \(ENOENT\)/],
  [
    'names inputs that are not there',
    ['lost.c'],
    [],
    /"lost\.c" among the inputs of the build, and there is no such file/,
  ],
])('one that %s ends in one line, and leaves nothing behind', async (_, inputs, command, message) => {
  const failure = await buildImplementation(implementation(inputs, ...command)).catch((error) => error);
  expect(failure).toBeInstanceOf(ImplementationFailure);
  expect(failure instanceof Error && failure.message).toMatch(message);
  expect(failure instanceof Error && failure.message).not.toContain('\n');
});

test('the end of what a failing build said is kept', async () => {
  const failing = implementation(
    ['build.mjs'],
    process.execPath,
    '-e',
    'console.error("line 3: no such thing"); process.exit(9)',
  );
  const failure = await buildImplementation(failing).catch((error) => error);
  expect(failure instanceof ImplementationFailure && failure.stderrTail).toBe('line 3: no such thing');
});

test('the command of a failing build is shown with a folder that is there, so that it can be run again', async () => {
  const words = [process.execPath, '-e', 'console.error(process.argv[1]); process.exit(9)', '{output}'];
  const failing = implementation(['build.mjs'], ...words);
  const failure = await buildImplementation(failing).catch((error) => error);
  const said = failure instanceof ImplementationFailure ? failure.stderrTail : '';
  outputs.push(said);
  expect(failure instanceof Error && failure.message).toContain(` ${said}\``);
  expect(await readdir(said)).toEqual([]);
});

test('a build that leaves no program is a failure, not a build', async () => {
  const building = buildImplementation(implementation(undefined, process.execPath, '-e', '0', '{output}'));
  await expect(building).rejects.toThrow(/ended well but left no file \{output\}\/program\.txt; correct the field/);
});

test.each([
  ['cut', (file: string) => writeFile(file, 'on')],
  ['flipped', (file: string) => writeFile(file, 'oNe')],
  ['removed', (file: string) => rm(file)],
])('a program that was %s in the cache is built again', async (_, damage) => {
  const { folder: output } = await build(implementation());
  await damage(join(output, 'program.txt'));
  await build(implementation());
  expect(await readFile(join(output, 'program.txt'), 'utf8')).toBe('one');
  expect(await runs()).toBe(2);
});
