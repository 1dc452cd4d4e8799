import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/**
 * Bytes of a process and its descendants, from /proc; undefined if there is none. `resident` is what it holds now, `peak` the
 * most each of them held.
 */
export function processMemory(pid: number): { readonly resident: number; readonly peak: number } | undefined {
  const statuses = withDescendants(pid).map(statusOf);
  if (statuses[0] === undefined) return undefined;
  const sum = (figure: 'resident' | 'peak') => statuses.reduce((total, status) => total + (status?.[figure] ?? 0), 0);
  return { resident: sum('resident'), peak: sum('peak') };
}

function withDescendants(pid: number): readonly number[] {
  return [pid, ...childrenOf(pid).flatMap(withDescendants)];
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

/**
 * Bytes that a process holds now by the system's list of processes, without /proc; on macOS with its descendants. Takes tens of
 * milliseconds: never ask while a word is timed. Undefined if the list does not tell.
 */
export function listedMemory(pid: number): number | undefined {
  const [program, ...words] =
    process.platform === 'win32'
      ? (['tasklist', '/FI', `PID eq ${pid}`, '/FO', 'CSV', '/NH'] as const)
      : (['ps', '-A', '-o', 'pid=,ppid=,rss='] as const);
  const { stdout } = spawnSync(program, words, { encoding: 'utf8', timeout: 5_000, windowsHide: true });
  if (typeof stdout !== 'string') return undefined;
  return process.platform === 'win32' ? memoryInTasklist(stdout) : memoryInPs(stdout, pid);
}

/** From lines of process, parent and KiB. */
export function memoryInPs(list: string, pid: number): number | undefined {
  const processes = list
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const heldBelow = (parent: number): number =>
    processes
      .filter(([id, itsParent]) => itsParent === parent && id !== parent)
      .reduce((sum, [id = 0, , kibibytes = 0]) => sum + kibibytes + heldBelow(id), 0);
  const own = processes.find(([id]) => id === pid)?.[2];
  return own === undefined ? undefined : (own + heldBelow(pid)) * 1024;
}

/** From one line of comma-separated values whose last is KiB, with any separator of thousands: `"14.236 K"`. */
export function memoryInTasklist(line: string): number | undefined {
  const digits = /"([^"]+)"\s*$/.exec(line)?.[1]?.replace(/\D/g, '') ?? '';
  return digits === '' ? undefined : Number(digits) * 1024;
}

/** Of a process and its descendants, in nanoseconds since they began. */
export interface SchedulerTimes {
  /** All threads, on a processor. */
  readonly running: number;
  /** Main threads, on a processor. */
  readonly mainRunning: number;
  /** Main threads, ready to run while others had the processors. */
  readonly waiting: number;
}

/** From schedstat (Documentation/scheduler/sched-stats.rst of Linux); undefined if there is none. What has ended does not count. */
export function schedulerTimes(pid: number): SchedulerTimes | undefined {
  try {
    let [running, mainRunning, waiting] = [0, 0, 0];
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const [ran, waited] = threadTimes(pid, thread);
      running += ran;
      // The process itself times what other threads wait for: it is part of the work.
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

/** Nanoseconds of a word without what the process waited for a processor; all of them if the platform does not tell. */
export function workWithin(
  wall: number,
  before: SchedulerTimes | undefined,
  after: SchedulerTimes | undefined,
): number {
  if (before === undefined || after === undefined) return wall;
  // What several processes waited adds up, and can be longer than the word.
  const work = Math.max(wall - (after.waiting - before.waiting), after.mainRunning - before.mainRunning);
  return work > 0 ? Math.min(wall, work) : wall;
}

/**
 * Processor time of a process and its descendants since they began, with what has ended in them; undefined without /proc. In steps
 * of 10 ms (proc_pid_stat(5) of Linux).
 */
export function processorMilliseconds(pid: number): number | undefined {
  const times = withDescendants(pid).map(processorTimeOf);
  return times[0] === undefined ? undefined : times.reduce<number>((sum, time) => sum + (time ?? 0), 0);
}

function processorTimeOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name before these fields may hold spaces and brackets. utime, stime, cutime and cstime are fields 14 to 17.
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 15);
    return 10 * fields.reduce((sum, field) => sum + Number(field), 0);
  } catch {
    return undefined;
  }
}

/** Nanoseconds that the main thread of this process was ready to run while others had the processors; 0 if the platform does not tell. */
export function ownWaiting(): number {
  return threadTimes(process.pid, String(process.pid))[1];
}

function threadTimes(pid: number, thread: string): readonly [running: number, waiting: number] {
  try {
    const [running = '0', waiting = '0'] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ');
    return [Number(running), Number(waiting)];
  } catch {
    return [0, 0];
  }
}
