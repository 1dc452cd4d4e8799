import { spawnSync } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { readFile, realpath, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { suggestion } from '../nearest-name.ts';
import { printableLine } from '../printable.ts';
import { runToEnd } from '../program/finite-program.ts';
import { temporaryFolder } from '../program/temporary-folder.ts';
import { UsageError } from '../usage-error.ts';

/** A commit that a person named. */
export interface Revision {
  /** As it was written: `main`, `HEAD~1`. */
  readonly name: string;
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

/** The commit that a name stands for. @throws UsageError outside a repository, or for an unknown name (with the nearest branch or tag) */
export async function resolveRevision(folder: string, name: string): Promise<Revision> {
  const inside = await git(folder, ['rev-parse', '--is-inside-work-tree']);
  if (inside.failed) {
    const [why = ''] = inside.stderr.split('\n');
    throw new UsageError(
      `${folder} is no git repository that can be read (${printableLine(why)}); comparing revisions needs its history`,
    );
  }
  // With its suffix no name is an option of git.
  const { failed, stdout } = await git(folder, ['rev-parse', '--verify', '--quiet', `${name}^{commit}`]);
  if (!failed) return { name, commit: stdout.trim() };
  const refs = await git(folder, ['for-each-ref', '--format=%(refname:short)', 'refs/heads', 'refs/tags']);
  const known = refs.stdout.split('\n').filter((ref) => ref !== '');
  const shallow = await git(folder, ['rev-parse', '--is-shallow-repository']);
  const advice =
    shallow.stdout.trim() === 'true'
      ? '; this checkout is shallow: fetch the revision first'
      : suggestion(name, known.slice(0, 20));
  throw new UsageError(`unknown revision "${name}"${advice}`);
}

/** Changed and new files, ignored ones not; paths from the repository's root. */
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

const INSTALL_TIMEOUT_MILLISECONDS = 600_000;

export interface Checkout {
  /** Where the project is in it. */
  readonly folder: string;
  /** `linked`: its lock file is ours, so it uses our node_modules; `installed`: by `npm ci`; `none`: it has no lock file. */
  readonly dependencies: 'linked' | 'installed' | 'none';
  /** Removes it, and what git remembers of it. */
  readonly remove: () => Promise<void>;
}

/**
 * Checks a revision out into a git worktree in the temporary folder. Its node_modules is a link to ours if both lock files are
 * the same.
 *
 * @param project the project's folder, anywhere inside its repository
 * @throws UsageError if git or npm fails; nothing is left behind then, nor if `signal` is aborted
 */
export async function checkOut(project: string, revision: Revision, signal: AbortSignal): Promise<Checkout> {
  const prefix = (await git(project, ['rev-parse', '--show-prefix'])).stdout.trim();
  const temporary = await realpath((await temporaryFolder(`${KIND}${process.pid}-`)).path);
  await removeAbandoned(project);
  const worktree = join(temporary, revision.commit.slice(0, 12));
  const folder = join(worktree, prefix);
  // A second Ctrl-C ends the process at once. Only this worktree: `prune` would forget the user's own on a disk not mounted
  // now.
  const forget = ['worktree', 'remove', '--force', worktree];
  const removeAtExit = () => {
    removeTree(folder, temporary);
    spawnSync('git', forget, { cwd: project, stdio: 'ignore' });
  };
  process.once('exit', removeAtExit);
  const remove = async () => {
    removeTree(folder, temporary);
    await git(project, forget);
    process.off('exit', removeAtExit);
  };
  try {
    const added = await git(project, ['worktree', 'add', '--detach', '--quiet', worktree, revision.commit]);
    if (added.failed)
      throw new UsageError(`${revision.name} cannot be checked out: ${added.stderr.trim().split('\n').at(-1)}`);
    signal.throwIfAborted();
    return { folder, dependencies: await provideDependencies(project, folder, revision, signal), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

const KIND = 'compare-';

/** Removes the worktrees of runs that were killed: the process that their folder names is gone. */
async function removeAbandoned(project: string): Promise<void> {
  const listed = (await git(project, ['worktree', 'list', '--porcelain'])).stdout;
  for (const [, worktree = ''] of listed.matchAll(/^worktree (.+)$/gm)) {
    const owner = new RegExp(`^microgpt-bench-${KIND}(\\d+)-\\w+$`).exec(basename(dirname(worktree)))?.[1];
    if (owner === undefined || isAlive(Number(owner))) continue;
    rmSync(dirname(worktree), { recursive: true, force: true, maxRetries: 3 });
    await git(project, ['worktree', 'remove', '--force', worktree]);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Another user's process is alive, and may not be signalled.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Removes the link first, so that nothing follows it. */
function removeTree(folder: string, temporary: string): void {
  rmSync(join(folder, 'node_modules'), { recursive: true, force: true });
  rmSync(temporary, { recursive: true, force: true, maxRetries: 3 });
}

async function provideDependencies(
  project: string,
  folder: string,
  revision: Revision,
  signal: AbortSignal,
): Promise<Checkout['dependencies']> {
  const lock = await readIfThere(join(folder, 'package-lock.json'));
  if (lock === undefined) return 'none';
  const modules = join(project, 'node_modules');
  const installedHere = statSync(modules, { throwIfNoEntry: false })?.isDirectory();
  if (installedHere && (await readIfThere(join(project, 'package-lock.json')))?.equals(lock)) {
    await symlink(await realpath(modules), join(folder, 'node_modules'), 'junction');
    return 'linked';
  }
  const installed = await runToEnd(['npm', 'ci', '--omit=dev', '--no-audit', '--no-fund'], {
    cwd: folder,
    timeoutMilliseconds: INSTALL_TIMEOUT_MILLISECONDS,
    wholeEnvironment: true,
    signal,
  });
  if (installed.exitCode === 0) return 'installed';
  const complaint = installed.exitCode === undefined ? undefined : npmComplaint(installed.output);
  throw new UsageError(`${revision.name}: npm ci failed: ${complaint ?? `it ${installed.how}`}`);
}

async function readIfThere(file: string): Promise<Buffer | undefined> {
  return readFile(file).catch(() => undefined);
}

/** npm's error code comes before it; advice and the path of a log after. */
function npmComplaint(output: string): string | undefined {
  return /^npm error (?!code )(.*\S)/m.exec(output)?.[1];
}
