/**
 * No child outlives the harness. Each runs in a process group of its own, so that ending it ends what it started too;
 * whatever still lives when this process exits is ended then. Should the harness itself be killed outright, its end of the
 * children's standard input closes, and end of input means quit.
 */
const live = new Set<number>();
let watching = false;

export interface TrackedProcess {
  /** Ends the process and its descendants at once. */
  kill(): void;
  /** To be called when the process is known to have ended: its id may then belong to another. */
  release(): void;
}

/** Keeps watch over a child that was started with `detached` (where the platform has process groups). */
export function trackProcess(pid: number | undefined): TrackedProcess {
  if (pid === undefined) return { kill: () => {}, release: () => {} };
  if (!watching) {
    watching = true;
    process.on('exit', () => {
      for (const remaining of live) killGroup(remaining);
    });
  }
  live.add(pid);
  return {
    kill: () => {
      if (live.has(pid)) killGroup(pid);
    },
    release: () => {
      live.delete(pid);
    },
  };
}

function killGroup(pid: number): void {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}
