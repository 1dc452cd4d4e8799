import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { discoverImplementations } from '../program/discover.ts';
import { withRole } from '../program/roles.ts';
import { implementationsRoot, projectRoot } from '../project.ts';
import { comparisonSchema } from '../results/comparison.ts';
import { refusedCommandLine } from '../testing/command-line.ts';
import { benchResult, verifiedRow } from '../testing/example-result.ts';

/** A copy of this project in a repository of its own, with one more implementation: right at first, then wrong. */
let folder: string;
let temporary: string;
const git = (...words: string[]) =>
  execa('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.invalid', ...words], { cwd: join(folder, 'project') });
const inProject = (...names: string[]) => join(folder, 'project', ...names);

async function commit(message: string): Promise<void> {
  await git('add', '--all');
  await git('commit', '--quiet', `--message=${message}`);
  await git('tag', message);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compare-'));
  for (const name of ['harness', 'impls', 'reference', 'package.json', 'package-lock.json', '.gitignore']) {
    const filter = (path: string) => !/[\\/](node_modules|target|__pycache__|\.cache)$/.test(path);
    await cp(join(projectRoot, name), inProject(name), { recursive: true, filter });
  }
  await git('init', '--quiet', '--initial-branch=main');
  await writeFile(inProject('.git', 'info', 'exclude'), 'node_modules\n');
  await symlink(join(projectRoot, 'node_modules'), inProject('node_modules'), 'junction');

  const [trusted] = withRole(await discoverImplementations(), 'trusted');
  if (trusted === undefined || !('module' in trusted.manifest.run))
    throw new Error('no trusted implementation in TypeScript');
  const module = relative(inProject('impls', 'toy'), inProject('impls', trusted.name, trusted.manifest.run.module));
  const from = relative(implementationsRoot, resolve(trusted.folder, trusted.manifest.run.module));
  expect(module).toContain(from);
  await mkdir(inProject('impls', 'toy'));
  const manifest = { protocol: 2, language: 'TypeScript', technique: 'wraps', precision: 'float64', order: 999 };
  await writeFile(inProject('impls', 'toy', 'impl.json'), JSON.stringify({ ...manifest, run: { module: 'toy.ts' } }));
  await writeFile(inProject('impls', 'toy', 'toy.ts'), `export { default } from '${module.replaceAll('\\', '/')}';\n`);
  await commit('right');
  const wrong = `import create from '${module.replaceAll('\\', '/')}';
export default async (task) => {
  const trainer = await create(task);
  return { ...trainer, reset: (firstDocument) => trainer.reset(firstDocument), parameters: () => trainer.parameters(), train: (n) => trainer.train(n).map((loss) => loss + 0.001) };
};
`;
  await writeFile(inProject('impls', 'toy', 'toy.ts'), wrong);
  await commit('wrong');
});
afterAll(() => rm(folder, { recursive: true, maxRetries: 3 }));

beforeEach(async () => {
  temporary = join(folder, 'temporary');
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary);
});

/** Its temporary folder is one that each test can look into. */
const environment = () => ({ ...process.env, TMPDIR: temporary, TEMP: temporary, GITHUB_ACTIONS: '', NO_COLOR: '1' });

async function compare(...words: string[]) {
  const ended = await execa(process.execPath, [inProject('harness', 'cli', 'main.ts'), 'compare', ...words], {
    cwd: folder,
    env: environment(),
    reject: false,
  });
  // As it was before it was wrapped.
  return { ...ended, stdout: ended.stdout.replaceAll(/\n {2,}/g, ' ') };
}

/** A task so small that verifying it takes no time. */
const small = ['--n-embd', '4', '--num-steps', '20'];

async function expectNothingLeft(): Promise<void> {
  expect((await git('worktree', 'list', '--porcelain')).stdout.match(/^worktree /gm)).toHaveLength(1);
  expect((await readdir(temporary)).filter((name) => name.includes('compare'))).toEqual([]);
}

async function expectUsageError(words: string[], message: string | RegExp): Promise<void> {
  const { exitCode, stderr, stdout } = await compare(...words);
  expect(stderr).toMatch(message);
  expect(stderr.split('\n')).toHaveLength(1);
  expect([exitCode, stdout]).toEqual([2, '']);
  await expectNothingLeft();
}

test('an unknown revision, name, threshold or folder is one line and exit code 2', async () => {
  await expectUsageError(['--base', 'mian'], 'unknown revision "mian"; did you mean "main"?');
  await expectUsageError(['--base', 'right', '--head', 'worng'], 'unknown revision "worng"; did you mean "wrong"?');
  await expectRefusedAtOnce(['--base', 'right', '--threshold', '-5%'], /threshold/);
  await expectRefusedAtOnce(['--base', 'right', '--json', join(folder, 'missing', 'x.json')], /cannot be written to/);
});

/** As {@link expectUsageError}, for what is refused before the repository is looked at. */
async function expectRefusedAtOnce(words: string[], message: string | RegExp): Promise<void> {
  const { exitCode, stderr, stdout } = await refusedCommandLine('compare', ...words);
  expect(stderr).toMatch(message);
  expect(stderr.split('\n')).toHaveLength(1);
  expect([exitCode, stdout]).toEqual([2, '']);
}

test('neither a base nor two files is refused, saying what is expected', async () => {
  await expectRefusedAtOnce([], 'expected --base REVISION or two results files');
  await expectRefusedAtOnce(['one.json'], 'got one file');
  await expectRefusedAtOnce(['--head', 'main', 'a.json', 'b.json'], '--head needs --base');
  await expectRefusedAtOnce(['--preset', 'd64', 'a.json', 'b.json'], '--preset needs --base');
  await expectRefusedAtOnce(['--budget', '3', 'a.json', 'b.json'], '--budget needs --base');
});

/** As {@link expectUsageError}, for what comes to light after the checkouts were announced. */
async function expectRefused(words: string[], message: string): Promise<void> {
  const { exitCode, stderr, stdout } = await compare(...words);
  expect(stderr.split('\n').at(-1)).toContain(message);
  expect([exitCode, stdout]).toEqual([2, '']);
  await expectNothingLeft();
}

test('an unknown implementation is found out after the checkout, which is removed again', async () => {
  await expectRefused(['--base', 'right', 'tyo'], 'unknown implementation "tyo"; did you mean "toy"?');
});

test('a wrong head fails with 1, before any round', async () => {
  const json = join(temporary, 'out.json');
  const { exitCode, stdout } = await compare('--base', 'right', '--head', 'wrong', 'toy', '--json', json);
  expect(stdout).toContain('toy: head is wrong: ');
  expect(exitCode).toBe(1);
  expect(comparisonSchema.parse(JSON.parse(await readFile(json, 'utf8'))).rows).toMatchObject([
    { status: 'wrong', side: 'head' },
  ]);
  await expectNothingLeft();
});

test('a base that fails verification and a head that is right is a repair', async () => {
  const { exitCode, stdout } = await compare('--base', 'wrong', '--head', 'right', 'toy', ...small);
  expect(stdout).toContain('toy: repaired: base is wrong: ');
  expect(exitCode).toBe(0);
  await expectNothingLeft();
});

test('a manifest that cannot be read is bad input, named by its revision; reading again is a repair', async () => {
  const manifest = inProject('impls', 'toy', 'impl.json');
  const committed = await readFile(manifest, 'utf8');
  await writeFile(manifest, '{"protocol":0}');
  await commit('unreadable');
  await writeFile(manifest, committed);
  await commit('readable');
  const broken = await compare('--base', 'readable', '--head', 'unreadable', 'toy', ...small);
  expect(broken.stdout).toContain(
    'toy: head\'s manifest cannot be read: unreadable:impls/toy/impl.json: field "protocol"',
  );
  expect(broken.exitCode).toBe(2);
  const repaired = await compare('--base', 'unreadable', '--head', 'right', 'toy', ...small);
  expect(repaired.stdout).toContain('toy: repaired: base has a manifest that cannot be read');
  expect(repaired.exitCode).toBe(0);
});

test('a head that no longer runs here fails the gate, however it says so', async () => {
  const manifest = inProject('impls', 'toy', 'impl.json');
  const committed = await readFile(manifest, 'utf8');
  const needs = [{ program: 'no-such-program-anywhere' }];
  await git('checkout', '--quiet', 'right', '--', 'impls/toy');
  await commit('right-again');
  await writeFile(manifest, JSON.stringify({ ...JSON.parse(committed), needs }));
  await commit('lacking');
  const { exitCode, stdout } = await compare('--base', 'right', '--head', 'lacking', 'toy', ...small);
  expect(stdout).toContain('toy: no longer runs: base is right here, head does not run: no-such-program-anywhere');
  expect(exitCode).toBe(1);
  await git('checkout', '--quiet', 'readable', '--', 'impls/toy');
  await commit('readable-again');
});

test('a new implementation is verified too', async () => {
  await git('checkout', '--quiet', '-b', 'adding');
  await cp(inProject('impls', 'toy'), inProject('impls', 'new-toy'), { recursive: true });
  await commit('added-wrong');
  const added = await compare('--base', 'readable', '--head', 'added-wrong', 'new-toy', ...small);
  expect(added.stdout).toContain('new-toy: head is wrong: ');
  expect(added.exitCode).toBe(1);
  await git('checkout', '--quiet', 'main');
});

test('implementations whose files are the same on both sides are said to be, and are not run', async () => {
  await writeFile(inProject('impls', 'README.md'), 'only prose changed');
  await commit('prose');
  const { exitCode, stdout } = await compare('--base', 'prose~1', '--head', 'prose', '--json', '-');
  const { rows } = comparisonSchema.parse(JSON.parse(stdout));
  expect(rows.length).toBeGreaterThan(5);
  for (const row of rows)
    expect(row).toMatchObject({ status: 'unchanged', manifest: `impls/${row.implementation}/impl.json` });
  expect(exitCode).toBe(0);
});

test('a revision without implementations has nothing to compare', async () => {
  await git('rm', '-r', '--quiet', '--cached', 'impls');
  await git('commit', '--quiet', '--message=empty');
  await git('tag', 'empty');
  await git('reset', '--quiet', 'HEAD~1');
  await expectRefused(['--base', 'empty', '--head', 'readable'], 'empty has no folder impls: nothing to compare');
});

test('a dirty working tree is named, and compared as it stands only when allowed', async () => {
  const file = inProject('impls', 'toy', 'toy.ts');
  const committed = await readFile(file, 'utf8');
  try {
    await writeFile(file, (await git('show', 'right:impls/toy/toy.ts')).stdout);
    await expectUsageError(['--base', 'right', 'toy'], /uncommitted changes in impls\/toy\/toy\.ts; .*--allow-dirty/);
    const words = [
      '--base',
      'right',
      '--allow-dirty',
      '--all',
      'toy',
      '--budget',
      '0.1',
      '--threshold',
      '50',
      '--json',
      '-',
    ];
    const { exitCode, stdout } = await compare(...words);
    const { head, notes, rows } = comparisonSchema.parse(JSON.parse(stdout));
    expect(head).toEqual({ name: 'working tree' });
    expect(notes.join()).toContain('impls/toy/toy.ts');
    expect(rows).toMatchObject([{ implementation: 'toy', status: 'compared', rounds: 3 }]);
    expect(exitCode).toBe(0);
    await expectNothingLeft();
  } finally {
    await writeFile(file, committed);
  }
}, 120_000);

test('Ctrl-C ends the comparison and leaves neither worktree nor process', async () => {
  const words = [
    inProject('harness', 'cli', 'main.ts'),
    'compare',
    '--base',
    'right',
    '--head',
    'right',
    'toy',
    '--all',
  ];
  const child = spawn(process.execPath, words, {
    cwd: folder,
    env: environment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<number | null>((done) => child.on('close', done));
  child.stderr.on('data', (text: Buffer) => {
    if (text.toString().includes('linked')) child.kill('SIGINT');
  });
  // Standard error closes only when no descendant holds it any more.
  expect(await ended).toBe(130);
  await expectNothingLeft();
});

test('stored results that cannot be used are one line and exit code 2', async () => {
  const write = async (name: string, text: string) => {
    await writeFile(join(temporary, name), text);
    return join(temporary, name);
  };
  const result = benchResult({ rows: [verifiedRow()] });
  const good = await write('good.json', JSON.stringify(result));
  const other = { ...result, task: { ...result.task, dataset: { ...result.task.dataset, sha256: '1'.repeat(64) } } };
  await expectRefusedAtOnce(
    [good, await write('cut.json', JSON.stringify(result).slice(0, 300))],
    'not JSON, or cut off',
  );
  await expectRefusedAtOnce(
    [good, await write('old.json', JSON.stringify({ ...result, schemaVersion: 0 }))],
    'schemaVersion',
  );
  await expectRefusedAtOnce([good, await write('data.json', JSON.stringify(other))], 'not comparable: other data set');
  await expectRefusedAtOnce([good, await write('list.json', '[{"__proto__":{"rows":1}}]')], 'schemaVersion');
  await expectRefusedAtOnce([good, await write('deep.json', '['.repeat(100_000))], 'not JSON');
  await expectRefusedAtOnce([good, join(temporary, 'missing.json')], 'is missing; expected a results file');
  expect((await compare(good, good)).exitCode).toBe(0);
});
