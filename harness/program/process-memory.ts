import { readFileSync } from 'node:fs';

/**
 * Memory of a process and its descendants in bytes, from /proc; undefined where there is none (other platforms, process gone).
 * `resident` is what it holds now, `peak` the most each of them ever held.
 */
export function processMemory(pid: number): { readonly resident: number; readonly peak: number } | undefined {
  const own = statusOf(pid);
  if (own === undefined) return undefined;
  let { resident, peak } = own;
  for (const child of childrenOf(pid)) {
    const below = processMemory(child);
    resident += below?.resident ?? 0;
    peak += below?.peak ?? 0;
  }
  return { resident, peak };
}

function statusOf(pid: number): { readonly resident: number; readonly peak: number } | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const kibibytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
    return { resident: kibibytes('VmRSS') * 1024, peak: kibibytes('VmHWM') * 1024 };
  } catch {
    return undefined;
  }
}

function childrenOf(pid: number): readonly number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
    return children === '' ? [] : children.split(' ').map(Number);
  } catch {
    return [];
  }
}
