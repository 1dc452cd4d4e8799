import { printableLine } from './printable.ts';

/** What to do about the codes that a full, closed or broken disk gives. */
const advice: Readonly<Record<string, string>> = {
  EACCES: 'give this user the right to it, or name another place',
  EPERM: 'give this user the right to it, or name another place',
  EROFS: 'that disk is read-only: work on another one',
  ENOSPC: 'the disk is full: make room on it',
  EDQUOT: 'the quota is used up: make room',
  ENOENT: 'make it, or set TMPDIR to a folder that exists',
  ENOTDIR: 'a file stands where a folder is needed: remove it',
  EEXIST: 'remove what stands there',
  EISDIR: 'a folder stands where a file is needed: remove it',
  EMFILE: 'too many files are open: close other programs, or raise `ulimit -n`',
  ENFILE: 'too many files are open on this machine: close other programs',
  ENOMEM: 'the machine has no memory left: close other programs',
  EAGAIN: 'the machine has no processes left for this user: end other programs',
};

/** One line for an error of the operating system; undefined for a bug of ours. */
export function describeSystemError(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined;
  const { code, syscall } = error;
  if (typeof code !== 'string' || typeof syscall !== 'string') return undefined;
  const path = 'path' in error && typeof error.path === 'string' ? error.path : 'the operating system';
  return printableLine(`${path}: ${syscall} failed with ${code}; ${advice[code] ?? 'see that it can be used'}`);
}
