import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { implementationsRoot, projectRoot } from '../project.ts';
import { refusedCommandLine } from '../testing/command-line.ts';

/** Copies of an implementation, one without a list and some whose list is wrong. */
let impls: string;
const lists = {
  unlisted: undefined,
  garbled: '{',
  greedy: JSON.stringify({ operations: { all: ['*'] } }),
  reserved: JSON.stringify({ operations: { 'everything else': ['f'] } }),
};

beforeAll(async () => {
  impls = await mkdtemp(join(tmpdir(), 'microgpt-bench-'));
  await cp(join(implementationsRoot, 'contract.ts'), join(impls, 'contract.ts'));
  for (const [name, list] of Object.entries(lists)) {
    await cp(join(implementationsRoot, 'analytic'), join(impls, name), { recursive: true });
    await rm(join(impls, name, 'profile.json'), { force: true });
    if (list !== undefined) await writeFile(join(impls, name, 'profile.json'), list);
  }
});
afterAll(() => rm(impls, { recursive: true }));

const profile = (...words: readonly string[]) =>
  execa(process.execPath, [join(projectRoot, 'harness/cli/main.ts'), 'profile', ...words, '--impls', impls], {
    reject: false,
    env: { NO_COLOR: '1' },
    cwd: projectRoot,
  });

describe('bad input: one line, exit code 2, nothing on standard output', () => {
  test.each([
    ['no name', [], /missing required argument 'name'/],
    ['an unknown name', ['analitic'], /unknown implementation "analitic"; did you mean "analytic"\?/],
    ['an unknown preset', ['analytic', '--preset', 'd61'], /unknown preset "d61"/],
    ['no time at all', ['analytic', '--seconds', '0'], /--seconds/],
    ['a folder that cannot be written to', ['analytic', '--flame', '/none/x.cpuprofile'], /--flame/],
    [
      'two files of one name',
      ['analytic', '--flame', join(tmpdir(), 'x'), '--json', join(tmpdir(), 'x')],
      /--flame .*already taken by --json/,
    ],
    ['a list that is no JSON', ['garbled'], /garbled\/profile\.json: not JSON, or cut off/],
    [
      'a pattern that fits everything',
      ['greedy'],
      /field "operations\.all\.0": expected a pattern that names something/,
    ],
    ['an operation for what is left', ['reserved'], /it is what is left/],
  ])('%s', async (_, words, message) => {
    const { exitCode, stdout, stderr } = await refusedCommandLine('profile', ...words, '--impls', impls);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });
});

test('tells the shares of the operations in the order of the list, and writes a flame graph', async () => {
  const flame = join(impls, 'analytic.cpuprofile');
  const { stdout, exitCode } = await profile('analytic', '--seconds', '1', '--flame', flame, '--json', '-');
  expect(exitCode).toBe(0);
  const { operations, samples, explained, microsecondsPerStep } = JSON.parse(stdout);
  const list = JSON.parse(await readFile(join(implementationsRoot, 'analytic/profile.json'), 'utf8'));
  expect(operations.map((one: { operation: string }) => one.operation)).toEqual([
    ...Object.keys(list.operations),
    'everything else',
  ]);
  expect(samples).toBeGreaterThan(0);
  expect(explained).toBeGreaterThan(0);
  expect(microsecondsPerStep).toBeGreaterThan(0);
  const { nodes, samples: drawn } = JSON.parse(await readFile(flame, 'utf8'));
  expect(nodes.length).toBeGreaterThan(1);
  expect(drawn.length).toBeGreaterThan(0);
});

test('prints a table, a bar as long as the step, and how much of it is explained', async () => {
  const flame = join(impls, 'table.cpuprofile');
  const { stdout } = await profile('analytic', '--seconds', '0.5', '--flame', flame);
  expect(stdout).toMatch(/^analytic at d16.* µs a step/);
  expect(stdout).toMatch(/│ weight gradients with Adam +│ +\d+\.\d% │/);
  expect(stdout).toMatch(/^[a-h]{50,70}$/m);
  expect(stdout).toMatch(/\d% of the step is explained/);
  expect(stdout).toMatch(/Instructions|instructions/);
});

test('a row without a list is profiled too: what is printed names the functions to put into one', async () => {
  const { stdout, stderr, exitCode } = await profile('unlisted', '--seconds', '0.5', '--flame', '-');
  expect(stderr).toMatch(/^unlisted: training for 0\.5 s, then counting\n/);
  expect(stderr).toContain('everything else │ 100.0%');
  expect(stderr.replace(/\s+/g, ' ')).toMatch(/Only 0\.0% .* in its profile\.json \(.*\): \S+ \d+\.\d%, /);
  expect(JSON.parse(stdout).nodes.length).toBeGreaterThan(1);
  expect(exitCode).toBe(0);
});
