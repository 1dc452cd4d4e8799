import { cpus } from 'node:os';

/** Milliseconds in which the cores had nothing to do, all together. */
function idleMilliseconds(): number {
  return cpus().reduce((sum, { times }) => sum + times.idle, 0);
}

/**
 * Watches what other programs take of the cores. What the compilers of this process take is no other program's. The system counts
 * idle time in steps of 10 ms a core, so ask after some tens of milliseconds.
 * @returns how many cores they have had since, on average; 0 where the system does not tell
 */
export function watchOtherPrograms(): () => number {
  const cores = cpus().length;
  const [began, own, idle] = [performance.now(), process.cpuUsage(), idleMilliseconds()];
  return () => {
    const wall = performance.now() - began;
    const { user, system } = process.cpuUsage(own);
    const others = cores * wall - (idleMilliseconds() - idle) - (user + system) / 1000;
    return Math.max(0, others / wall);
  };
}
