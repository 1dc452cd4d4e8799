import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { quote } from '../program/implementation-failure.ts';
import { type TrackedProcess, trackProcess, watchedEnvironment } from '../program/live-processes.ts';

/** What the program did against the protocol, and what to do, in one line. */
export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation';
}

/**
 * A program on its bare pipes. Unlike {@link import('../program/child-program.ts').ChildProgram} it may be asked several things
 * at once, be left unread, and have its input closed.
 */
export class RawProgram {
  readonly #patienceMilliseconds: number;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #tracked: TrackedProcess;
  readonly #ended: Promise<string>;
  /** Lines that came before they were asked for, and those who wait for one. */
  readonly #lines: string[] = [];
  readonly #waiting: ((line: string) => void)[] = [];
  #unfinished = '';

  /**
   * Starts a program without a shell; nothing is read before the first {@link hear}.
   * @param patienceMilliseconds how long to wait for a line, and for the end
   */
  constructor(folder: string, command: readonly string[], patienceMilliseconds: number) {
    this.#patienceMilliseconds = patienceMilliseconds;
    const [program = '', ...words] = command;
    const { env, mark } = watchedEnvironment();
    this.#child = spawn(program, words, { cwd: folder, env, detached: process.platform !== 'win32' });
    this.#tracked = trackProcess(this.#child.pid, mark);
    this.#child.stdin.on('error', () => {
      // It closed its input. If it ended too early, an answer is missing.
    });
    this.#child.stderr.resume();
    this.#child.stdout.setEncoding('utf8');
    this.#ended = new Promise((resolve) => {
      this.#child.on('error', (error) => resolve(`could not be started: ${error.message}`));
      this.#child.on('close', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
    });
    void this.#ended.then(() => this.#tracked.release());
  }

  /** Writes whether or not the program is ready for more. */
  say(...words: readonly string[]): void {
    this.#child.stdin.write(words.map((word) => `${word}\n`).join(''));
  }

  /** Lets its output pile up, as a busy reader does. */
  async leaveUnread(milliseconds: number): Promise<void> {
    this.#child.stdout.pause();
    await setTimeout(milliseconds);
    this.#child.stdout.resume();
  }

  closeInput(): void {
    this.#child.stdin.end();
  }

  /** The next line it prints, as JSON. */
  async hear(): Promise<unknown> {
    if (this.#child.stdout.listenerCount('data') === 0) this.#child.stdout.on('data', (text) => this.#receive(text));
    const line = this.#lines.shift() ?? (await this.#nextLine());
    try {
      return JSON.parse(line);
    } catch {
      throw new ProtocolViolation(`printed ${quote(line)}, which is not JSON; standard error is for people`);
    }
  }

  /** Waits for the end and returns how it ended: `exit code 0`. Reads, so that unread output cannot hold it up. */
  async end(): Promise<string> {
    this.#child.stdout.resume();
    return this.#inTime(this.#ended, 'did not end');
  }

  /** Ends it at once, with all it started. */
  async kill(): Promise<void> {
    this.#tracked.kill();
    this.#child.stdout.resume();
    await this.#ended;
  }

  #nextLine(): Promise<string> {
    const line = new Promise<string>((resolve) => this.#waiting.push(resolve));
    const gone = this.#ended.then((how) => {
      throw new ProtocolViolation(`ended with ${how} where an answer was due`);
    });
    return this.#inTime(Promise.race([line, gone]), 'printed no line');
  }

  #receive(text: string): void {
    const lines = (this.#unfinished + text).split('\n');
    this.#unfinished = lines.pop() ?? '';
    for (const line of lines) {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#lines.push(line);
      else waiting(line);
    }
  }

  async #inTime<T>(promise: Promise<T>, missed: string): Promise<T> {
    const seconds = this.#patienceMilliseconds / 1000;
    const impatience = new AbortController();
    const late = setTimeout(this.#patienceMilliseconds, undefined, { signal: impatience.signal }).then(() => {
      throw new ProtocolViolation(`${missed} within ${seconds} s`);
    });
    // Nobody waits for it once the race is over.
    late.catch(() => {});
    try {
      return await Promise.race([promise, late]);
    } finally {
      impatience.abort();
    }
  }
}
