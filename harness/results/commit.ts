import { execa } from 'execa';
import { isInstalled, projectRoot } from '../project.ts';

/** Hash of the checked-out commit, with `-dirty` if files differ from it; undefined outside git. */
export async function currentCommit(): Promise<string | undefined> {
  const git = (...words: string[]) =>
    execa('git', words, { cwd: isInstalled ? process.cwd() : projectRoot, reject: false, timeout: 10_000 });
  const head = await git('rev-parse', 'HEAD');
  if (head.failed) return undefined;
  const status = await git('status', '--porcelain', '--untracked-files=no');
  return status.failed || status.stdout.trim() === '' ? head.stdout.trim() : `${head.stdout.trim()}-dirty`;
}
