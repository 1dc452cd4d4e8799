import { execa } from 'execa';
import { trackProcess, watchedEnvironment } from './live-processes.ts';
import { OutputExcerpt } from './output-excerpt.ts';
import { runningTimeout } from './running-clock.ts';

export interface FiniteRun {
  /** Undefined if it did not end by itself. */
  readonly exitCode?: number;
  /** `ended with exit code 1`, `did not end within 20 s`, or with the system's word `could not be run (ENOENT)`. */
  readonly how: string;
  readonly output: string;
}

interface FiniteOptions {
  readonly cwd?: string;
  readonly timeoutMilliseconds: number;
  /** For the user's own tools, such as npm: they may see tokens too. */
  readonly wholeEnvironment?: true;
  readonly signal?: AbortSignal | undefined;
}

/** For the last output to arrive: a descendant may hold the pipe open for ever. */
const LAST_WORDS_MILLISECONDS = 300;

/**
 * Runs a program without input until it ends or its time is over, and ends what it started. `output` is an excerpt of both
 * streams. Throws only the signal's reason.
 */
export async function runToEnd(command: readonly string[], options: FiniteOptions): Promise<FiniteRun> {
  const { cwd, timeoutMilliseconds, wholeEnvironment = false, signal } = options;
  signal?.throwIfAborted();
  const [program = '', ...words] = command;
  const { env, mark } = watchedEnvironment();
  const running = execa(program, words, {
    ...(cwd === undefined ? {} : { cwd }),
    env,
    extendEnv: wholeEnvironment,
    stdin: 'ignore',
    all: true,
    buffer: false,
    encoding: 'buffer',
    reject: false,
    cleanup: false,
    detached: process.platform !== 'win32',
  });
  const excerpt = new OutputExcerpt();
  running.all.on('data', (bytes: Uint8Array) => excerpt.push(bytes));
  const tracked = trackProcess(running.pid, mark);
  let late = false;
  const stopWaiting = runningTimeout(() => {
    late = true;
    tracked.kill();
  }, timeoutMilliseconds);
  const stop = () => tracked.kill();
  signal?.addEventListener('abort', stop);
  try {
    const ended = new Promise<undefined>((resolve) => {
      running.once('exit', () => setTimeout(() => resolve(undefined), LAST_WORDS_MILLISECONDS));
    });
    const result = await Promise.race([running, ended]);
    signal?.throwIfAborted();
    const output = excerpt.text();
    if (late) return { how: `did not end within ${timeoutMilliseconds / 1000} s`, output };
    const code = result?.code;
    if (running.pid === undefined || code === 'EACCES' || code === 'ENOENT' || code === 'ENOEXEC') {
      return { how: `could not be run (${code ?? 'unknown'})`, output };
    }
    const { exitCode, signalCode } = running;
    if (signalCode !== null) return { how: `ended with signal ${signalCode}`, output };
    return { exitCode: exitCode ?? 1, how: `ended with exit code ${exitCode ?? 1}`, output };
  } finally {
    stopWaiting();
    signal?.removeEventListener('abort', stop);
    tracked.kill();
    tracked.release();
  }
}
