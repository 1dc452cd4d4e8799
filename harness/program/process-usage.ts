import { readdirSync, readFileSync } from 'node:fs';

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

/** What the scheduler says of a process and its descendants, in nanoseconds since they began. */
export interface SchedulerTimes {
  /** All threads, on a processor. */
  readonly running: number;
  /** Main threads, on a processor. */
  readonly mainRunning: number;
  /** Main threads, ready to run while others had the processors. */
  readonly waiting: number;
}

/**
 * From schedstat (Documentation/scheduler/sched-stats.rst of Linux); undefined where there is none. What ended meanwhile counts
 * as none.
 */
export function schedulerTimes(pid: number): SchedulerTimes | undefined {
  try {
    let [running, mainRunning, waiting] = [0, 0, 0];
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const [ran, waited] = threadTimes(pid, thread);
      running += ran;
      // What other threads wait for is part of the work, which the process times itself.
      if (thread !== String(pid)) continue;
      mainRunning += ran;
      waiting += waited;
    }
    for (const child of childrenOf(pid)) {
      const below = schedulerTimes(child);
      running += below?.running ?? 0;
      mainRunning += below?.mainRunning ?? 0;
      waiting += below?.waiting ?? 0;
    }
    return { running, mainRunning, waiting };
  } catch {
    return undefined;
  }
}

function threadTimes(pid: number, thread: string): readonly [running: number, waiting: number] {
  try {
    const [running = '0', waiting = '0'] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ');
    return [Number(running), Number(waiting)];
  } catch {
    return [0, 0];
  }
}
