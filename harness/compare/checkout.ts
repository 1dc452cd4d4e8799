import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile, realpath, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { runToEnd } from '../program/finite-program.ts';
import { UsageError } from '../usage-error.ts';
import { git, type Revision } from './revision.ts';

const INSTALL_TIMEOUT_MILLISECONDS = 600_000;

/** A revision's files with its dependencies, in a folder of their own. */
export interface Checkout {
  /** Where the project is in it. */
  readonly folder: string;
  /** `linked`: its lock file is ours, so it uses our node_modules; `installed`: by `npm ci`; `none`: it has no lock file. */
  readonly dependencies: 'linked' | 'installed' | 'none';
  /** Removes it, and what git remembers of it. */
  readonly remove: () => Promise<void>;
}

/**
 * Checks a revision out into a git worktree in the temporary folder, with its own dependencies. Where its package-lock.json is
 * the one installed here, node_modules is linked: the same bytes, seconds saved.
 *
 * @param project the project's folder, anywhere inside its repository
 * @throws UsageError where git or npm cannot do it; nothing is left behind then, nor when `signal` is aborted
 */
export async function checkOut(project: string, revision: Revision, signal: AbortSignal): Promise<Checkout> {
  const prefix = (await git(project, ['rev-parse', '--show-prefix'])).stdout.trim();
  const temporary = await realpath(await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`)));
  await removeAbandoned(project);
  const worktree = join(temporary, revision.commit.slice(0, 12));
  const folder = join(worktree, prefix);
  // A second Ctrl-C ends the process without waiting for anything.
  // Only this worktree: pruning would forget those of the user's that are on a disk not mounted just now.
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
    if (added.failed) throw new UsageError(`${revision.name} cannot be checked out: ${lastLine(added.stderr)}`);
    signal.throwIfAborted();
    return { folder, dependencies: await provideDependencies(project, folder, revision, signal), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

const PREFIX = 'microgpt-bench-compare-';

/** Worktrees of runs that were killed outright: git still lists them, and the process that their folder names is gone. */
async function removeAbandoned(project: string): Promise<void> {
  const listed = (await git(project, ['worktree', 'list', '--porcelain'])).stdout;
  for (const [, worktree = ''] of listed.matchAll(/^worktree (.+)$/gm)) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-\\w+$`).exec(basename(dirname(worktree)))?.[1];
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

/** The link to the modules goes first, so that nothing can follow it to what it points to. */
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
  const installedHere = await stat(modules)
    .then((found) => found.isDirectory())
    .catch(() => false);
  if (installedHere && (await readIfThere(join(project, 'package-lock.json')))?.equals(lock)) {
    await symlink(await realpath(modules), join(folder, 'node_modules'), 'junction');
    return 'linked';
  }
  await installDependencies(folder, revision, signal);
  return 'installed';
}

/** `npm ci` without what only developing needs. */
async function installDependencies(folder: string, revision: Revision, signal: AbortSignal): Promise<void> {
  const installed = await runToEnd(['npm', 'ci', '--omit=dev', '--no-audit', '--no-fund'], {
    cwd: folder,
    timeoutMilliseconds: INSTALL_TIMEOUT_MILLISECONDS,
    wholeEnvironment: true,
    signal,
  });
  if (installed.outcome === 'ended' && installed.exitCode === 0) return;
  const why =
    installed.outcome === 'too slow' ? `no end within ${installed.seconds} s` : npmComplaint(installed.output);
  throw new UsageError(`${revision.name}: npm ci failed: ${why ?? installed.outcome}`);
}

async function readIfThere(file: string): Promise<Buffer | undefined> {
  return readFile(file).catch(() => undefined);
}

/** The first thing npm says is wrong; its error code comes before that, and advice and the path of a log after. */
function npmComplaint(output: string): string | undefined {
  const complaints = output.split('\n').flatMap((line) => /^npm error (?!code )(.*\S)/.exec(line)?.[1] ?? []);
  return complaints[0];
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
