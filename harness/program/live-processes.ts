import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { childEnvironment, RUN_MARK } from './child-environment.ts';

/**
 * No program that we started outlives us. Each has its own process group, so that ending it ends what it started. What still
 * lives when this process exits is ended then; if this process is killed, a watchdog ends it.
 */
const live = new Map<number, string>();
let watching = false;

export interface TrackedProcess {
  /** Ends the process and its descendants at once. */
  kill(): void;
  /** To be called once the process has ended: its id may then belong to another. */
  release(): void;
}

/**
 * An environment for one program that is not ours, and its mark. The watchdog is there first: we may be killed just after the
 * program started.
 */
export function watchedEnvironment(): ReturnType<typeof childEnvironment> {
  watchdog.start();
  return childEnvironment();
}

/** Watches a child that was started with `detached`. @param mark the entry of its environment that `watchedEnvironment` made for it */
export function trackProcess(pid: number | undefined, mark: string): TrackedProcess {
  if (pid === undefined) return { kill: () => {}, release: () => {} };
  if (!watching) {
    watching = true;
    process.on('exit', () => {
      for (const [remaining, itsMark] of live) killTree(remaining, itsMark);
    });
  }
  live.set(pid, mark);
  watchdog.tell(`+ ${pid}`);
  return {
    kill: () => {
      if (live.has(pid)) killTree(pid, mark);
    },
    release: () => {
      if (live.delete(pid)) watchdog.tell(`- ${pid}`);
    },
  };
}

function killTree(pid: number, mark: string): void {
  if (process.platform === 'win32') {
    spawnSync('taskkill', ['/T', '/F', '/PID', String(pid)], { stdio: 'ignore' });
    return;
  }
  kill(-pid);
  for (const stray of strays(mark)) kill(stray);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

/** Processes that left their group: on Linux they still have the mark in their environment. */
function strays(mark: string): readonly number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => {
      try {
        return readFileSync(`/proc/${entry}/environ`, 'latin1').split('\0').includes(mark);
      } catch {
        // Gone already, or another user's.
        return false;
      }
    })
    .map(Number);
}

/**
 * Waits for the end of its input, which is our end, and then ends the groups that still live and, on Linux, every process with
 * the mark of this run.
 */
const WATCHDOG = `
groups=' '
while read -r sign what; do
  case $sign in
    +) groups="$groups$what " ;;
    -) case $groups in *" $what "*) groups="\${groups%% $what *} \${groups#* $what }" ;; esac ;;
  esac
done
for group in $groups; do kill -9 "-$group" 2>/dev/null; done
# More than once: a process between fork and exec does not show its environment yet.
for again in 1 2 3 4 5 6 7 8 9 10; do
  for environ in $(grep -lF "$1" /proc/[0-9]*/environ 2>/dev/null); do
    pid=\${environ#/proc/}; kill -9 "\${pid%/environ}" 2>/dev/null
  done
  sleep 0.2 2>/dev/null || sleep 1
done
exit 0
`;

/** Our end of a shell script that outlives us by a moment. Without \`sh\`, only a kill goes unnoticed. */
const watchdog = {
  process: undefined as ChildProcess | undefined,
  start(): void {
    if (process.platform === 'win32' || this.process !== undefined) return;
    this.process = spawn('sh', ['-c', WATCHDOG, 'watchdog', RUN_MARK], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      env: { PATH: process.env['PATH'] },
    });
    this.process.on('error', () => {});
    this.process.stdin?.on('error', () => {});
    // It must not keep this process from ending.
    this.process.unref();
    const { stdin } = this.process;
    if (stdin !== null && 'unref' in stdin && typeof stdin.unref === 'function') stdin.unref();
  },
  tell(line: string): void {
    this.process?.stdin?.write(`${line}\n`);
  },
};
