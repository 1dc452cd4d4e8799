import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { UsageError } from '../usage-error.ts';
import { listFiles, resolveRevision, uncommittedFiles } from './revision.ts';

let folder: string;
const git = (...words: string[]) =>
  execa('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.invalid', ...words], { cwd: folder });

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
