import { execFileSync } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Fault } from './fault.ts';
import { type Manifest, programManifest, rightManifest, type World } from './world.ts';

const chapter = 'A manifest is broken';

/** `list` names the folder and what is wrong in it, shows the right row, and ends with 2. */
async function expectListed(world: World, says: RegExp): Promise<void> {
  await world.plant('zz-right', rightManifest);
  const { stdout, stderr, exitCode } = await world.run(['list', '--impls', world.impls]);
  expect(stderr).toMatch(says);
  for (const line of stderr.trimEnd().split('\n')) expect(line).toMatch(/^error: .*impls\/.+: .+/);
  expect(stdout).toMatch(/zz-right/);
  expect(exitCode).toBe(2);
}

function broken(fault: string, says: RegExp, manifest: string | Uint8Array | Manifest): Fault {
  return {
    chapter,
    fault: `A manifest ${fault}`,
    outcome: 'one line names file and field; the other rows are listed; exit code 2',
    attempt: async (world) => {
      await world.plant('broken', manifest);
      await expectListed(world, says);
    },
  };
}

function brokenFolder(
  fault: string,
  says: RegExp,
  make: (world: World) => Promise<unknown>,
  where?: Fault['where'],
): Fault {
  return {
    chapter,
    fault,
    outcome: 'one line names the folder; the other rows are listed; exit code 2',
    ...(where === undefined ? {} : { where }),
    attempt: async (world) => {
      await make(world);
      await expectListed(world, says);
    },
  };
}

const inBroken = async (world: World, make: (file: string) => unknown) => {
  const folder = await world.plant('broken', '');
  await rm(join(folder, 'impl.json'));
  await writeFile(join(folder, 'notes.txt'), '');
  await make(join(folder, 'impl.json'));
};

/** A row that `check` cannot start; the tool says why in one line and ends with 1. */
function unstartable(fault: string, says: RegExp, manifest: Manifest, moduleText?: string): Fault {
  return {
    chapter,
    fault,
    outcome: 'the row is `error`, in one line; exit code 1',
    attempt: async (world) => {
      const folder = await world.plant('broken', manifest);
      if (moduleText !== undefined) await writeFile(join(folder, 'trainer.mjs'), moduleText);
      const { stdout, exitCode } = await world.run(['check', 'broken', '--impls', world.impls, '--steps', '3']);
      expect(stdout).toMatch(says);
      expect(exitCode).toBe(1);
    },
  };
}

/** A row hosted from a module with this text. */
function hosted(fault: string, says: RegExp, text: string | undefined): Fault {
  return unstartable(fault, says, { ...rightManifest, run: { module: 'trainer.mjs' } }, text);
}

export const manifestFaults: readonly Fault[] = [
  broken('is empty', /not JSON/, ''),
  broken('is cut off', /not JSON/, '{"protocol": 2, "langu'),
  broken('is no JSON', /not JSON/, 'protocol: 2\n'),
  broken('is a list', /expected object/, '[]'),
  broken('is null', /expected object/, 'null'),
  broken('is bytes that are no text', /not JSON/, new Uint8Array([0xff, 0xfe, 0, 0x80])),
  broken('has a megabyte', /has 1000002 bytes/, JSON.stringify('x'.repeat(1_000_000))),
  broken('is nested a thousand times', /impl\.json/, `${'['.repeat(1000)}${']'.repeat(1000)}`),
  broken('lacks a field', /"technique"/, { ...rightManifest, technique: undefined }),
  broken('has a field of another type', /"order"/, { ...rightManifest, order: 'first' }),
  broken('has a field that does not exist', /"speed"/, { ...rightManifest, speed: 9 }),
  broken('has a field named like a part of every object', /"protocol"/, '{"__proto__": {"protocol": 2}}'),
  broken('speaks protocol 1', /got 1; expected 2; /, { ...rightManifest, protocol: 1 }),
  broken('has an unknown precision', /"precision"/, { ...rightManifest, precision: 'bfloat16' }),
  broken('has an empty command', /"run\.command"/, programManifest()),
  broken('has a NUL character in its command', /no NUL/, programManifest('node', 'a\0b')),
  broken('has a line end in its technique', /control characters/, {
    ...rightManifest,
    technique: 'x\n::error::planted',
  }),
  broken('has a terminal escape in its language', /control characters/, { ...rightManifest, language: '\u001b[31mC' }),
  broken('turns the direction of its text', /control characters/, { ...rightManifest, technique: 'a\u202eb' }),
  broken('has a technique of a thousand characters', /"technique"/, { ...rightManifest, technique: 'x'.repeat(1000) }),
  broken('needs a program by a path of its own', /on the path/, {
    ...rightManifest,
    needs: [{ program: '../../planted' }],
  }),
  broken('builds with an empty command', /"build\.command"/, {
    ...rightManifest,
    build: { command: [], inputs: ['x'] },
  }),
  broken('claims a role', /role|manifest/, { ...rightManifest, roles: ['reference'] }),
  brokenFolder('A folder has no manifest', /missing/, (world) => inBroken(world, () => {})),
  brokenFolder('A manifest is a folder', /is a folder/, (world) => inBroken(world, mkdir)),
  brokenFolder(
    'A manifest is a FIFO',
    /FIFO/,
    (world) => inBroken(world, (file) => execFileSync('mkfifo', [file])),
    'posix',
  ),
  brokenFolder(
    'A manifest is a link to itself',
    /ELOOP/,
    (world) => inBroken(world, (file) => symlink(file, file)),
    'posix',
  ),
  brokenFolder(
    'A manifest is a link to an endless device',
    /device/,
    (world) => inBroken(world, (file) => symlink('/dev/zero', file)),
    'posix',
  ),
  brokenFolder(
    "A folder's name has a line end and a workflow command",
    /rename the folder/,
    (world) => world.plant('x\n::error::planted', rightManifest),
    'posix',
  ),
  brokenFolder(
    "A folder's name has a terminal escape",
    /rename the folder/,
    (world) => world.plant('x\u001b[2Jy', rightManifest),
    'posix',
  ),
  brokenFolder("A folder's name begins like a flag", /rename the folder/, (world) =>
    world.plant('--json', rightManifest),
  ),
  brokenFolder("A folder's name begins like a formula", /rename the folder/, (world) =>
    world.plant('=1+1', rightManifest),
  ),
  brokenFolder(
    "A folder's name is markup",
    /rename the folder/,
    (world) => world.plant('<script>', rightManifest),
    'posix',
  ),
  {
    chapter,
    fault: 'A manifest begins with a byte order mark',
    outcome: 'it is read as if it had none',
    attempt: async (world) => {
      await world.plant('marked', `\uFEFF${JSON.stringify(rightManifest)}`);
      const { stdout, exitCode } = await world.run(['list', '--impls', world.impls]);
      expect(stdout).toMatch(/marked/);
      expect(exitCode).toBe(0);
    },
  },
  {
    chapter,
    fault: 'The folder of implementations is missing',
    outcome: 'one line, exit code 2',
    attempt: async (world) => {
      const { stderr, exitCode } = await world.run(['list', '--impls', world.path('nothing')]);
      expect(stderr).toMatch(/^error: .*nothing.*$/);
      expect(exitCode).toBe(2);
    },
  },
  unstartable(
    'The program of a manifest does not exist',
    /there is no program "\/no\/such"/,
    programManifest('/no/such'),
  ),
  unstartable('The program of a manifest is a folder', /may not run|no program|EACCES/, programManifest('/')),
  unstartable(
    'The program of a manifest is a text',
    /may not run|no program/,
    programManifest(join(import.meta.dirname, 'world.ts')),
  ),
  hosted('A module is missing', /trainer\.mjs/, undefined),
  hosted('A module has a syntax error', /SyntaxError/, 'export default (task => {'),
  hosted('A module exports nothing', /default export/, 'export const trainer = 1;'),
  hosted('A module throws when it is loaded', /thrown on purpose/, "throw new Error('thrown on purpose')"),
  hosted(
    'A module rejects its task with something that is no error',
    /planted reason/,
    "export default () => { throw 'planted reason'; };",
  ),
  hosted('A module ends the process', /exit code 5|ended/, 'process.exit(5);'),
  hosted('A module returns no trainer', /it has no method train/, 'export default () => ({});'),
];
