import { cp, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { implementationsRoot, projectRoot } from '../project.ts';
import { checkResultSchema } from '../results/schema.ts';
import { refusedCommandLine } from '../testing/command-line.ts';
import { benchResult, verifiedRow } from '../testing/example-result.ts';
import { World } from '../testing/faults/world.ts';

/** A folder of implementations: one that is right, and others in which one thing is wrong. */
let impls: string;

const analytic = { protocol: 2, language: 'TypeScript', technique: 'right', precision: 'float64', order: 1 };
const misbehaving = (fault: string) => ({
  ...analytic,
  technique: fault,
  order: 2,
  run: { command: [process.execPath, join(projectRoot, 'harness/testing/misbehaving.ts'), fault] },
});

async function plant(name: string, manifest: unknown): Promise<void> {
  await mkdir(join(impls, name), { recursive: true });
  await writeFile(join(impls, name, 'impl.json'), typeof manifest === 'string' ? manifest : JSON.stringify(manifest));
}

beforeAll(async () => {
  impls = await mkdtemp(join(tmpdir(), 'microgpt-bench-'));
  await cp(join(implementationsRoot, 'contract.ts'), join(impls, 'contract.ts'));
  await cp(join(implementationsRoot, 'analytic'), join(impls, 'right'), { recursive: true });
  await plant('right', { ...analytic, run: { module: 'analytic.ts' } });
  await plant('crashing', misbehaving('crashes'));
  await plant('hanging', misbehaving('never answers'));
  await plant('diverging', misbehaving('says NaN'));
  await plant('declining', misbehaving('declines'));
  await plant('lacking', { ...misbehaving('nothing'), needs: [{ program: 'no-such-program', hint: 'install it' }] });
  await plant('broken', { ...analytic, precision: 'float16', run: { module: 'analytic.ts' } });
});
afterAll(() => rm(impls, { recursive: true }));

const cli = (...words: readonly string[]) =>
  execa(process.execPath, [join(projectRoot, 'harness/cli/main.ts'), ...words], {
    reject: false,
    env: { NO_COLOR: '1' },
    cwd: projectRoot,
  });
const check = (...words: readonly string[]) => cli('check', ...words, '--impls', impls, '--steps', '3');
const checkJson = async (...words: readonly string[]) => {
  const { stdout, stderr, exitCode } = await check(...words, '--json', '-');
  return { exitCode, stderr, result: checkResultSchema.parse(JSON.parse(stdout)) };
};

describe('bad usage: one line on standard error, exit code 2, nothing on standard output', () => {
  test('by the tool itself', async () => {
    const { stdout, stderr, exitCode } = await cli('chek');
    expect(stderr).toMatch(/^error: unknown command 'chek' [^\n]*$/);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
  });

  test.each([
    ['an unknown command', ['chek'], /unknown command 'chek' \(Did you mean check\?\)/],
    [
      'a script of the repository',
      ['data', '--from', 'x'],
      /data: got a script of the repository; .*clone the repository/,
    ],
    [
      'a new row with the name of a built-in one',
      ['new', 'analytic', '--impls', 'nowhere'],
      /impls\/analytic has the name analytic already; choose another name/,
    ],
    ['an unknown option', ['check', '--preest', 'd16'], /unknown option '--preest' \(Did you mean --preset\?\)/],
    ['an unknown preset', ['check', '--preset', 'd61'], /unknown preset "d61"; did you mean "d\d+"\?/],
    [
      'an unknown implementation',
      ['check', 'analitic'],
      /unknown implementation "analitic"; did you mean "analytic"\?/,
    ],
    ['a width that its heads do not divide', ['check', '--n-embd', '18'], /--n-embd 18 is not divisible by --n-head 4/],
    [
      'a number that is none',
      ['check', '--n-layer', 'two'],
      /--n-layer <n>' argument 'two' is invalid\. Expected a whole number/,
    ],
    ['a number too small', ['check', '--batch', '0'], /Expected a whole number of at least 1/],
    ['a learning rate of zero', ['check', '--learning-rate', '0'], /Expected a number above 0/],
    ['a missing data set', ['check', '--dataset', 'no-such-file.txt'], /no-such-file\.txt/],
    ['an unknown runtime', ['check', '--runtime', 'node,den'], /unknown runtime "den"; did you mean "deno"\?/],
    ['more steps than the schedule has', ['check', '--steps', '11', '--num-steps', '10'], /--steps 11 is more than/],
    ['a place that cannot be written to', ['check', '--json', '/no/such/place.json'], /--json \/no\/such\/place\.json/],
    ['implementations that are nowhere', ['list', '--impls', 'no-such-folder'], /no-such-folder is not a folder/],
  ])('%s', async (_, words, message) => {
    const { stdout, stderr, exitCode } = await refusedCommandLine(...words);
    expect(stderr).toMatch(message);
    expect(stderr.split('\n')).toHaveLength(1);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
  });

  test('a manifest that cannot be used, asked for by name: file, field, what was expected; and nothing is written', async () => {
    const file = join(impls, 'result.json');
    const { stderr, exitCode } = await check('broken', '--json', file);
    expect(stderr).toMatch(/^error: .*broken\/impl\.json: field "precision": .*"float32"\|"float64"$/);
    expect(exitCode).toBe(2);
    expect(await readdir(impls)).not.toContain('result.json');
  });

  test('the help of a command shows it as it is typed, with the -- that npm needs', async () => {
    const { stdout, exitCode } = await cli('check', '--help');
    expect(stdout).toMatch(/^Usage: npm run check -- \[options\] \[implementation\.\.\.\]\n/);
    expect(exitCode).toBe(0);
  });

  test('no command at all shows the help', async () => {
    const { stderr, exitCode } = await cli();
    expect(stderr).toMatch(/Usage: microgpt-bench/);
    expect(exitCode).toBe(2);
  });
});

describe('check', () => {
  test('a right implementation is verified, and skipped and unsupported ones are no failure: exit code 0', async () => {
    const { stdout, exitCode } = await check('right', 'lacking', 'declining');
    expect(stdout).toMatch(
      /✔ right +verified: 3 steps and \d+ random tasks; errors at most \d+% of what rounding may cause/,
    );
    expect(exitCode).toBe(0);
  });

  test('what goes wrong is told of each, and what it said itself last; the others go on: exit code 1', async () => {
    const { exitCode, stderr, result } = await checkJson(
      ...['right', 'crashing', 'declining', 'diverging', 'hanging', 'lacking'],
      ...['--timeout', '2'],
    );
    const statuses = Object.fromEntries(result.results.map((row) => [row.implementation, row.status]));
    expect(statuses).toEqual({
      right: 'verified',
      crashing: 'error',
      declining: 'unsupported',
      diverging: 'error',
      hanging: 'error',
      lacking: 'skipped',
    });
    const reasons = Object.fromEntries(result.results.map((row) => [row.implementation, row.reason]));
    expect(reasons).toMatchObject({
      crashing: expect.stringMatching(/crashing: ended with exit code 7 instead of answering/),
      declining: 'only one layer',
      hanging: expect.stringMatching(/hanging: no answer within/),
      lacking: 'no-such-program not found (install it)',
    });
    expect(stderr).toMatch(/it said on standard error:\n {4}\| about to crash\n {4}\| the last thing it said/);
    expect(exitCode).toBe(1);
  });

  test('a manifest that cannot be used, where no row is named: one line tells it, the others are checked; exit code 2', async () => {
    const world = await World.create();
    try {
      const project = await world.copyProject();
      await rm(join(project, 'impls', 'scalar-autograd'), { recursive: true });
      await mkdir(join(project, 'impls', 'broken'));
      await writeFile(
        join(project, 'impls', 'broken', 'impl.json'),
        JSON.stringify({ ...analytic, precision: 'float16', run: { module: 'analytic.ts' } }),
      );
      const { stdout, stderr, exitCode } = await world.run(['check', '--steps', '1'], { project });
      expect(stdout).toMatch(/^✔ analytic /m);
      expect(stdout.match(/^.*broken.*$/gm)).toEqual([
        expect.stringMatching(/^✖ broken +error .*impls.broken.impl\.json: field "precision": .*"float64"$/),
      ]);
      expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 2 });
    } finally {
      await world.destroy();
    }
  });

  test('the JSON is complete', async () => {
    const { result } = await checkJson('right', '--gauntlet-seed', '5');
    expect(result.reference.source).toBe('golden');
    expect(result.reference.losses).toHaveLength(3);
    expect(result.task).toMatchObject({ preset: 'd16', nEmbd: 16, seed: 42, numSteps: 1000 });
    const [row] = result.results;
    expect(row).toMatchObject({ implementation: 'right', status: 'verified', stepsVerified: 3 });
    expect(row.losses).toHaveLength(3);
    expect(row.maxLossError).toBeLessThanOrEqual(row.tolerance ?? 0);
  });

  test('gradients, parameters and samples come when asked for', async () => {
    const words = [
      'right',
      '--gradients',
      '--parameters',
      '--samples',
      '--dataset',
      await tinyDataset(),
      '--num-steps',
      '3',
    ];
    const { result } = await checkJson(...words);
    const [row] = result.results;
    expect(row.gradients?.map(({ tensor }) => tensor)).toContain('layer0.attn_wk');
    expect(row.parameters?.every(({ agrees }) => agrees)).toBe(true);
    expect(row.samples).toHaveLength(20);
  });

  test('a TypeScript implementation has a row for each runtime asked for, another program one', async () => {
    const { result } = await checkJson('right', 'declining', '--runtime', 'node,bun');
    expect(result.results.map(({ implementation, runtime }) => [implementation, runtime])).toEqual([
      ['right', 'node'],
      ['right', 'bun'],
      ['declining', undefined],
    ]);
    expect(result.results[0].status).toBe('verified');
    expect(['verified', 'skipped']).toContain(result.results[1].status);
  });

  test('a size that makes a preset is that preset, however it was asked for; in a file the JSON is as complete', async () => {
    const file = join(impls, 'result.json');
    await check('right', '--n-embd', '32', '--json', file);
    const result = checkResultSchema.parse(JSON.parse(await readFile(file, 'utf8')));
    await rm(file);
    expect(result.results[0].losses).toHaveLength(3);
    expect(result.task.preset).toBe('d32');
    expect(result.reference.source).toBe('golden');
  });
});

describe('show', () => {
  test('prints the newest result again, and exports it alone on standard output', async () => {
    const results = await mkdtemp(join(tmpdir(), 'microgpt-bench-'));
    const newest = benchResult({ rows: [verifiedRow({ implementation: 'newest' })] });
    await writeFile(join(results, '2026-01-02T03-04-05Z-d16.json'), JSON.stringify(newest));
    await writeFile(join(results, '2025-01-02T03-04-05Z-d16.json'), JSON.stringify(benchResult()));
    const shown = await cli('show', '--results', results);
    expect(shown.stdout).toMatch(/2026-01-02 03:04 UTC\n.*\n.*\n(.*\n)*.*newest/);
    const exported = await cli('show', '--results', results, '--export', 'csv=-');
    expect(exported.stdout.split('\n')[0]).toMatch(/^implementation,/);
    expect(exported.stdout).toContain('newest');
    expect(exported.stderr).toContain('µs/doc');
    await rm(results, { recursive: true });
  });

  test('nothing saved yet is one line', async () => {
    const { stderr, exitCode } = await cli('show', '--results', impls);
    expect(stderr).toMatch(/^error: .*: no result yet; `npm run bench` saves one, or name a file$/);
    expect(exitCode).toBe(2);
  });
});

test.each([
  ['show', (file: string) => [file, '--export', `csv=${file}`]],
  ['report', (file: string) => [file, '--output', file]],
  ['merge', (file: string) => [file, '--markdown', file]],
  ['history', (file: string) => ['--file', file, '--json', file]],
  ['compare', (file: string) => [file, file, '--json', file]],
])('%s does not overwrite what it reads', async (command, words) => {
  const folder = await mkdtemp(join(tmpdir(), 'microgpt-bench-'));
  const file = join(folder, 'result.json');
  const text = JSON.stringify(benchResult());
  await writeFile(file, text);
  const { stderr, exitCode } = await refusedCommandLine(command, ...words(file));
  expect(stderr).toMatch(/^error: --\S+ .*result\.json: got a file that is read, too; .*; name another$/);
  expect(exitCode).toBe(2);
  expect(await readFile(file, 'utf8')).toBe(text);
  await rm(folder, { recursive: true });
});

describe('list', () => {
  test('tells what each needs and whether it is here; a broken manifest is bad input', async () => {
    const { stdout, stderr, exitCode } = await cli('list', '--impls', impls);
    expect(stdout).toMatch(/^right: right\n {2}TypeScript, float64, 1 thread; runs on node v\d+.*README\.md$/m);
    expect(stdout).toMatch(
      /^lacking: .*\n {2}TypeScript, float64, 1 thread; skipped: no-such-program not found \(install it\)$/m,
    );
    expect(stdout).toMatch(/^analytic: /m);
    expect(stderr).toMatch(/^error: .*broken\/impl\.json: field "precision"/);
    expect(exitCode).toBe(2);
  });

  test('as JSON', async () => {
    const { stdout } = await cli('list', '--impls', impls, '--json', '-');
    const { implementations } = JSON.parse(stdout);
    expect(implementations).toContainEqual(expect.objectContaining({ implementation: 'right', available: true }));
    expect(implementations).toContainEqual(
      expect.objectContaining({ implementation: 'lacking', available: false, needs: ['no-such-program'] }),
    );
  });
});

describe.skipIf(process.platform !== 'linux')('interrupted (needs /proc to look for what is left)', () => {
  test.each(['SIGINT', 'SIGKILL'] as const)('by %s in the middle of a word, no child is left', async (signal) => {
    const running = check('right', 'hanging');
    const children = await vi.waitFor(
      async () => {
        const found = await processesMentioning('never answers');
        expect(found).not.toEqual([]);
        return found;
      },
      { timeout: 20_000 },
    );
    running.kill(signal);
    const { exitCode } = await running;
    if (signal === 'SIGINT') expect(exitCode).toBe(130);
    await vi.waitFor(
      async () => expect(await processesMentioning('never answers')).not.toEqual(expect.arrayContaining([...children])),
      {
        timeout: 10_000,
      },
    );
  });
});

/** Ids of living processes that have `words` among their arguments and belong to this test's implementations. */
async function processesMentioning(words: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const folder = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    if (command.includes(words) && folder.startsWith(impls)) found.push(pid);
  }
  return found;
}

async function tinyDataset(): Promise<string> {
  const file = join(impls, 'tiny.txt');
  await writeFile(file, 'ada\nbo\ncy\n');
  return file;
}
