import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { cacheFolder } from '../project.ts';

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
 * The only names of our environment that programs see: what compilers and interpreters need, and nothing that could hold a
 * secret. Matched in upper case, since Windows ignores case.
 */
const allowedNames = new Set(
  [
    'PATH HOME USER LOGNAME SHELL TMPDIR TMP TEMP TERM TZ LANG LANGUAGE',
    'SYSTEMROOT SYSTEMDRIVE WINDIR COMSPEC PATHEXT USERPROFILE APPDATA LOCALAPPDATA PROGRAMDATA PROGRAMFILES',
    'PROGRAMFILES(X86) COMMONPROGRAMFILES NUMBER_OF_PROCESSORS PROCESSOR_ARCHITECTURE INCLUDE LIB LIBPATH',
    'VCTOOLSINSTALLDIR WINDOWSSDKDIR',
    'CC CXX AR LD CFLAGS CXXFLAGS LDFLAGS CPATH C_INCLUDE_PATH LIBRARY_PATH LD_LIBRARY_PATH DYLD_LIBRARY_PATH',
    'DYLD_FALLBACK_LIBRARY_PATH PKG_CONFIG_PATH SDKROOT DEVELOPER_DIR MACOSX_DEPLOYMENT_TARGET NIX_CC',
    'NIX_CFLAGS_COMPILE NIX_LDFLAGS',
    'CARGO_HOME RUSTUP_HOME RUSTUP_TOOLCHAIN RUSTFLAGS JULIA_DEPOT_PATH JULIA_LOAD_PATH JULIA_NUM_THREADS',
    'JULIA_BINDIR PYTHON PYTHONPATH PYTHONHOME PYENV_ROOT PYENV_VERSION VIRTUAL_ENV CONDA_PREFIX GOROOT GOPATH',
    'GOCACHE GOFLAGS JAVA_HOME DOTNET_ROOT BUN_INSTALL DENO_DIR',
    'OMP_NUM_THREADS OPENBLAS_NUM_THREADS OPENBLAS_CORETYPE OPENBLAS_L2_SIZE MKL_NUM_THREADS',
    'VECLIB_MAXIMUM_THREADS',
  ].flatMap((names) => names.split(' ')),
);

/** Marks everything that this run starts: what leaves its process group is found by it. */
const MARK_NAME = 'MICROGPT_BENCH_RUN';
const run = `${randomUUID()}.`;
let started = 0;

/**
 * An environment for one program that is not ours, and the entry in it that is its mark. The watchdog is there first: we may be
 * killed just after the program started.
 */
export function watchedEnvironment(): { readonly env: Record<string, string | undefined>; readonly mark: string } {
  watchdog.start();
  const allowed = Object.entries(process.env).filter(
    ([name]) => allowedNames.has(name.toUpperCase()) || /^LC_[A-Z]+$/.test(name),
  );
  started += 1;
  const env = {
    ...Object.fromEntries(allowed),
    // Set from outside, so that it holds for a program's first file too: Node need not load its TypeScript compiler.
    NODE_COMPILE_CACHE: cacheFolder('compile'),
    MICROGPT_BENCH_CACHE: cacheFolder(),
    [MARK_NAME]: `${run}${started}`,
  };
  return { env, mark: `${MARK_NAME}=${env[MARK_NAME]}` };
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

/** Has the watchdog remove a folder once we have ended: we may be killed before we do so. It reads a path a line. */
export function removeAfterUs(folder: string): void {
  watchdog.start();
  if (!folder.includes('\n')) watchdog.tell(`= ${folder}`);
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
 * Waits for the end of its input, which is our end, then ends the groups that still live and, on Linux, every process with the
 * mark of this run, and removes what folders they had.
 */
const WATCHDOG = `
groups=' '
folders=
while read -r sign what; do
  case $sign in
    +) groups="$groups$what " ;;
    =) folders="$folders
$what" ;;
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
IFS='
'
set -f
rm -rf -- $folders
`;

/** Our end of a shell script that outlives us by a moment. Without \`sh\`, only a kill goes unnoticed. */
const watchdog = {
  process: undefined as ChildProcess | undefined,
  start(): void {
    if (process.platform === 'win32' || this.process !== undefined) return;
    this.process = spawn('sh', ['-c', WATCHDOG, 'watchdog', `${MARK_NAME}=${run}`], {
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
