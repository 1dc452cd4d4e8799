import { lstat, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UsageError } from '../usage-error.ts';
import { checkOut, listFiles, resolveRevision, uncommittedFiles } from './revision.ts';

let folder: string;
const git = (...words: string[]) =>
  execa('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.invalid', ...words], { cwd: folder });

describe('a revision', () => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'revision-'));
    await git('init', '--quiet', '--initial-branch=main');
    await writeFile(join(folder, 'a.txt'), 'a');
    await writeFile(join(folder, '.gitignore'), 'ignored/\n');
    await git('add', '.');
    await git('commit', '--quiet', '--message=first');
    await git('tag', 'v1');
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('branches, tags, hashes and expressions stand for their commit', async () => {
    const commit = (await git('rev-parse', 'HEAD')).stdout;
    for (const name of ['main', 'v1', 'HEAD', commit, commit.slice(0, 8)]) {
      expect(await resolveRevision(folder, name)).toEqual({ name, commit });
    }
  });

  test('an unknown revision is refused with the nearest one', async () => {
    await expect(resolveRevision(folder, 'mian')).rejects.toThrow(UsageError);
    await expect(resolveRevision(folder, 'mian')).rejects.toThrow('unknown revision "mian"; did you mean "main"?');
  });

  test.each(['', '--help', '-h', 'HEAD:a.txt', 'a\nb', 'HEAD^{tree}'])(
    '%j is no revision, and never an option of git',
    async (name) => {
      await expect(resolveRevision(folder, name)).rejects.toThrow(/^unknown revision/);
    },
  );

  test('a shallow checkout is told apart from a wrong name', async () => {
    const shallow = join(folder, 'ignored', 'shallow');
    await writeFile(join(folder, 'a.txt'), 'b');
    await git('commit', '--quiet', '--all', '--message=second');
    await git('clone', '--quiet', '--depth=1', `file://${folder}`, shallow);
    await expect(resolveRevision(shallow, 'HEAD~1')).rejects.toThrow(
      'this checkout is shallow: fetch the revision first',
    );
  });

  test('a folder outside any repository is told', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'outside-'));
    try {
      await expect(resolveRevision(outside, 'HEAD')).rejects.toThrow('is no git repository');
    } finally {
      await rm(outside, { recursive: true });
    }
  });

  test('changed, staged, deleted and new files are uncommitted, ignored ones are not', async () => {
    expect(await uncommittedFiles(folder)).toEqual([]);
    await mkdir(join(folder, 'ignored'));
    await writeFile(join(folder, 'ignored', 'x'), '');
    await mkdir(join(folder, 'new'));
    await writeFile(join(folder, 'new', 'ü b.txt'), '');
    await rm(join(folder, 'a.txt'));
    await writeFile(join(folder, '.gitignore'), 'ignored/\n# more\n');
    await git('add', '.gitignore');
    expect([...(await uncommittedFiles(folder))].sort()).toEqual(['.gitignore', 'a.txt', 'new/ü b.txt']);
  });

  test('a long list of files is cut short', () => {
    expect(listFiles(['a', 'b'])).toBe('a, b');
    expect(listFiles(['a', 'b', 'c', 'd', 'e'])).toBe('a, b, c and 2 more');
  });
});

describe('a checkout', () => {
  const lockOf = (name: string) =>
    JSON.stringify({ name, lockfileVersion: 3, requires: true, packages: { '': { name } } });
  const running = () => new AbortController().signal;

  async function commit(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    await git('add', '.');
    await git('commit', '--quiet', '--message=next');
  }
  async function worktrees(): Promise<number> {
    return (await git('worktree', 'list', '--porcelain')).stdout.match(/^worktree /gm)?.length ?? 0;
  }

  beforeEach(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'checkout-')));
    await git('init', '--quiet', '--initial-branch=main');
    const manifest = JSON.stringify({ name: 'one', version: '1.0.0' });
    await commit({
      'package.json': manifest,
      'package-lock.json': lockOf('one'),
      '.gitignore': 'node_modules/\n',
      'a.txt': 'old',
    });
    await commit({ 'a.txt': 'new' });
    await mkdir(join(folder, 'node_modules'));
    await writeFile(join(folder, 'node_modules', 'installed'), 'here');
  });
  afterEach(() => rm(folder, { recursive: true, maxRetries: 3 }));

  test('the revision stands in a folder of its own, and the checkout here stays as it was', async () => {
    const checkout = await checkOut(folder, await resolveRevision(folder, 'HEAD~1'), running());
    expect(await readFile(join(checkout.folder, 'a.txt'), 'utf8')).toBe('old');
    expect(await readFile(join(folder, 'a.txt'), 'utf8')).toBe('new');
    await checkout.remove();
  });

  test('the same lock file shares the modules, and removing the checkout leaves them whole', async () => {
    const checkout = await checkOut(folder, await resolveRevision(folder, 'HEAD~1'), running());
    expect(checkout.dependencies).toBe('linked');
    expect((await lstat(join(checkout.folder, 'node_modules'))).isSymbolicLink()).toBe(true);
    expect(await readdir(join(checkout.folder, 'node_modules'))).toEqual(['installed']);
    await checkout.remove();
    await expect(lstat(checkout.folder)).rejects.toThrow('ENOENT');
    expect(await readFile(join(folder, 'node_modules', 'installed'), 'utf8')).toBe('here');
    expect(await worktrees()).toBe(1);
  });

  test('another lock file gets an npm ci of its own', async () => {
    await commit({
      'package-lock.json': lockOf('two'),
      'package.json': JSON.stringify({ name: 'two', version: '1.0.0' }),
    });
    const checkout = await checkOut(folder, await resolveRevision(folder, 'HEAD~1'), running());
    expect(checkout.dependencies).toBe('installed');
    await expect(lstat(join(checkout.folder, 'node_modules', 'installed'))).rejects.toThrow('ENOENT');
    await checkout.remove();
  });

  test('dependencies that cannot be installed are bad input, and nothing stays behind', async () => {
    await commit({ 'package-lock.json': 'not JSON' });
    await commit({ 'package-lock.json': lockOf('one') });
    const before = await worktrees();
    const revision = await resolveRevision(folder, 'HEAD~1');
    await expect(checkOut(folder, revision, running())).rejects.toThrow(UsageError);
    await expect(checkOut(folder, revision, running())).rejects.toThrow(/^HEAD~1: npm ci failed: .*package-lock\.json/);
    expect(await worktrees()).toBe(before);
  });

  test('a revision without a lock file has nothing to install', async () => {
    await git('rm', '--quiet', 'package-lock.json');
    await git('commit', '--quiet', '--message=none');
    const checkout = await checkOut(folder, await resolveRevision(folder, 'HEAD'), running());
    expect(checkout.dependencies).toBe('none');
    await checkout.remove();
  });

  test('a project below the root of its repository is found there again', async () => {
    const inner = join(folder, 'inner');
    await mkdir(inner);
    await commit({ 'inner/b.txt': 'b' });
    const checkout = await checkOut(inner, await resolveRevision(inner, 'HEAD'), running());
    expect(await readFile(join(checkout.folder, 'b.txt'), 'utf8')).toBe('b');
    await checkout.remove();
  });

  test('an interruption leaves no worktree', async () => {
    const interrupted = AbortSignal.abort(new Error('interrupted'));
    await expect(checkOut(folder, await resolveRevision(folder, 'HEAD'), interrupted)).rejects.toThrow('interrupted');
    expect(await worktrees()).toBe(1);
  });

  test('hooks of the repository are not run', async () => {
    const hooks = join(folder, '.git', 'hooks');
    await mkdir(hooks, { recursive: true });
    await writeFile(join(hooks, 'post-checkout'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    const checkout = await checkOut(folder, await resolveRevision(folder, 'HEAD'), running());
    await checkout.remove();
  });

  test('a worktree of the user’s own that is not there just now is not forgotten', async () => {
    const unmounted = join(folder, 'unmounted');
    await git('worktree', 'add', '--quiet', '--detach', unmounted);
    await rm(unmounted, { recursive: true });
    const checkout = await checkOut(folder, await resolveRevision(folder, 'HEAD'), running());
    await checkout.remove();
    expect((await git('worktree', 'list', '--porcelain')).stdout).toContain(unmounted);
    expect(await worktrees()).toBe(2);
  });

  test('a worktree that a killed run left is removed, one of a living run is not', async () => {
    const abandoned = join(await mkdtemp(join(tmpdir(), `microgpt-bench-compare-${await endedProcess()}-`)), 'abc');
    const living = join(await mkdtemp(join(tmpdir(), `microgpt-bench-compare-${process.pid}-`)), 'abc');
    for (const worktree of [abandoned, living]) await git('worktree', 'add', '--quiet', '--detach', worktree);
    const checkout = await checkOut(folder, await resolveRevision(folder, 'HEAD~1'), running());
    await checkout.remove();
    const { stdout } = await git('worktree', 'list', '--porcelain');
    expect(stdout).not.toContain(abandoned);
    await expect(lstat(abandoned)).rejects.toThrow('ENOENT');
    expect(stdout).toContain(living);
    await rm(join(living, '..'), { recursive: true });
  });

  /** The id of a process that was there and is not any more. */
  async function endedProcess(): Promise<number> {
    const child = execa('true');
    const { pid = 0 } = child;
    await child;
    return pid;
  }
});
