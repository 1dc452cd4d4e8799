import { execa } from 'execa';
import { suggestion } from '../nearest-name.ts';
import { UsageError } from '../usage-error.ts';

/** A commit that a person named. */
export interface Revision {
  /** As it was written: `main`, `HEAD~1`. */
  readonly name: string;
  /** Full hash. */
  readonly commit: string;
}

/** Runs git in a folder, without a shell and without the repository's hooks; never asks for anything. */
export async function git(
  folder: string,
  words: readonly string[],
): Promise<{ failed: boolean; stdout: string; stderr: string }> {
  const { failed, stdout, stderr, code } = await execa('git', ['-c', 'core.hooksPath=', ...words], {
    cwd: folder,
    reject: false,
    stdin: 'ignore',
    stripFinalNewline: false,
    env: { GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0' },
  });
  if (code === 'ENOENT') throw new UsageError('git not found; comparing revisions needs it on the path');
  return { failed, stdout, stderr };
}

/**
 * The commit that a name stands for.
 * @throws UsageError where the folder is no repository, or the name stands for none (with the nearest branch or tag)
 */
export async function resolveRevision(folder: string, name: string): Promise<Revision> {
  const inside = await git(folder, ['rev-parse', '--is-inside-work-tree']);
  if (inside.failed) throw new UsageError(`${folder} is no git repository; comparing revisions needs its history`);
  // With its suffix no name is an option of git.
  const { failed, stdout } = await git(folder, ['rev-parse', '--verify', '--quiet', `${name}^{commit}`]);
  if (!failed) return { name, commit: stdout.trim() };
  const refs = await git(folder, ['for-each-ref', '--format=%(refname:short)', 'refs/heads', 'refs/tags']);
  const known = refs.stdout.split('\n').filter((ref) => ref !== '');
  const advice = (await isShallow(folder))
    ? '; this checkout is shallow: fetch the revision first'
    : suggestion(name, known.slice(0, 20));
  throw new UsageError(`unknown revision "${name}"${advice}`);
}

async function isShallow(folder: string): Promise<boolean> {
  return (await git(folder, ['rev-parse', '--is-shallow-repository'])).stdout.trim() === 'true';
}

/** Files that differ from the commit that is checked out, new ones included, ignored ones not; paths from the repository's root. */
export async function uncommittedFiles(folder: string): Promise<readonly string[]> {
  const { stdout } = await git(folder, ['status', '--porcelain=v1', '-z', '--untracked-files=all', '--no-renames']);
  return stdout
    .split('\0')
    .filter((entry) => entry !== '')
    .map((entry) => entry.slice(3));
}

/** `a.ts, b.ts and 3 more`. */
export function listFiles(files: readonly string[], most = 3): string {
  const shown = files.slice(0, most).join(', ');
  return files.length > most ? `${shown} and ${files.length - most} more` : shown;
}
