import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UsageError } from '../usage-error.ts';
import { discoverImplementations, discoverWith, isBroken, selectImplementations } from './discover.ts';

const manifest = {
  protocol: 2,
  language: 'Forth',
  technique: 'stacks',
  precision: 'float64',
  order: 5,
  run: { command: ['gforth', 'train.fs'] },
};

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'microgpt-bench-'));
});
afterEach(() => rm(root, { recursive: true }));

async function write(name: string, text: string): Promise<void> {
  await mkdir(join(root, name), { recursive: true });
  await writeFile(join(root, name, 'impl.json'), text);
}

async function problemOf(text: string): Promise<string> {
  await write('mine', text);
  const [found] = await discoverImplementations(root);
  return isBroken(found) ? found.problem : 'no problem';
}

describe('a manifest that cannot be used is told by file, field and what was expected', () => {
  test.each([
    ['not JSON', '{"protocol": 2,', /impl\.json: not JSON: Expected double-quoted property name/],
    ['not an object', '[]', /impl\.json: the manifest: expected object, received array/],
    ['a missing field', JSON.stringify({ ...manifest, language: undefined }), /field "language": expected string/],
    [
      'a wrong type',
      JSON.stringify({ ...manifest, order: 'first' }),
      /field "order": expected number, received string/,
    ],
    [
      'an unknown precision',
      JSON.stringify({ ...manifest, precision: 'float16' }),
      /field "precision": .*"float32"\|"float64"/,
    ],
    ['another protocol', JSON.stringify({ ...manifest, protocol: 3 }), /field "protocol": expected 2/],
    [
      'the protocol before this one',
      JSON.stringify({ ...manifest, protocol: 1 }),
      /field "protocol": got 1; expected 2; .*reset S/,
    ],
    ['a misspelt field', JSON.stringify({ ...manifest, speed: 9 }), /"speed"/],
    ['a field inside a field', JSON.stringify({ ...manifest, needs: [{ hint: 'x' }] }), /field "needs\.0\.program"/],
    [
      'a role that it claims',
      JSON.stringify({ ...manifest, roles: ['reference'] }),
      /field "roles": roles are given in impls\/roles\.json of the project; an implementation cannot claim one/,
    ],
    ['an empty command', JSON.stringify({ ...manifest, run: { command: [] } }), /field "run\.command"/],
    [
      'an optional word that its build does not say',
      JSON.stringify({ ...manifest, build: { command: ['cc', 'x.c'], inputs: ['x.c'], optional: ['-O9'] } }),
      /field "build\.optional": expected words of build\.command/,
    ],
    ['neither module nor command', JSON.stringify({ ...manifest, run: 'train' }), /field "run": expected object/],
  ])('%s', async (_, text, message) => {
    expect(await problemOf(text)).toMatch(message);
  });

  test('all faults at once', async () => {
    const problem = await problemOf(JSON.stringify({ ...manifest, order: 'first', precision: 'float16' }));
    expect(problem).toMatch(/field "precision": .*; field "order": expected number/);
  });

  test('a missing one', async () => {
    await mkdir(join(root, 'mine'));
    await writeFile(join(root, 'mine', 'train.fs'), '');
    const [found] = await discoverImplementations(root);
    expect(isBroken(found) && found.problem).toMatch(/mine\/impl\.json: missing/);
  });
});

test('folders come in the order of the ladder, broken ones last; empty and hidden ones are none', async () => {
  await write('second', JSON.stringify({ ...manifest, order: 20 }));
  await write('first', JSON.stringify({ ...manifest, order: 10 }));
  await write('also-first', JSON.stringify({ ...manifest, order: 10 }));
  await write('broken', '{');
  await mkdir(join(root, 'left-over', 'target'), { recursive: true });
  await mkdir(join(root, '.hidden'));
  await writeFile(join(root, 'contract.ts'), '');
  const names = (await discoverImplementations(root)).map(({ name }) => name);
  expect(names).toEqual(['also-first', 'first', 'second', 'broken']);
});

test('other folders add to the built-in ones, in one ladder', async () => {
  await write('built-in/second', JSON.stringify({ ...manifest, order: 20 }));
  await write('other/first', JSON.stringify({ ...manifest, order: 10 }));
  await write('third/last', JSON.stringify({ ...manifest, order: 30 }));
  const builtIn = join(root, 'built-in');
  const found = await discoverWith([join(root, 'other'), join(root, 'third'), join(root, 'other')], builtIn);
  expect(found.map(({ name }) => name)).toEqual(['first', 'second', 'last']);
  await write('third/first', JSON.stringify(manifest));
  await expect(discoverWith([join(root, 'other'), join(root, 'third')], builtIn)).rejects.toThrow(
    /third\/first and .*other\/first have the same name/,
  );
});

test('a root that is no folder is bad input', async () => {
  await expect(discoverImplementations(join(root, 'nowhere'))).rejects.toThrow(UsageError);
});

describe('selecting by name', () => {
  test('an unknown name comes with the nearest known one', async () => {
    await write('analytic', JSON.stringify(manifest));
    const all = await discoverImplementations(root);
    expect(() => selectImplementations(all, ['analitic'])).toThrow(
      new UsageError('unknown implementation "analitic"; did you mean "analytic"?'),
    );
    expect(() => selectImplementations(all, ['fortran'])).toThrow('there are analytic');
  });

  test('a broken one is bad input when asked for, and stays in the list of all otherwise', async () => {
    await write('broken', '{');
    await write('whole', JSON.stringify(manifest));
    const all = await discoverImplementations(root);
    expect(() => selectImplementations(all, ['broken'])).toThrow(/broken\/impl\.json/);
    expect(selectImplementations(all, []).map(({ name }) => name)).toEqual(['whole', 'broken']);
    expect(selectImplementations(all, ['whole']).map(({ name }) => name)).toEqual(['whole']);
  });
});
