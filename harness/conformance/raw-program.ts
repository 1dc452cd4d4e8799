import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { quote } from '../program/implementation-failure.ts';
import { trackProcess, watchedEnvironment } from '../program/live-processes.ts';

/** What the program did against the protocol, and what to do, in one line. */
export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation';
}

export type RawProgram = ReturnType<typeof startRawProgram>;

/**
 * Starts a program on its bare pipes, without a shell. Unlike {@link import('../program/child-program.ts').ChildProgram} it may
 * be asked several things at once, be left unread, and have its input closed.
 * @param patienceMilliseconds how long to wait for a line, and for the end
 */
export function startRawProgram(folder: string, command: readonly string[], patienceMilliseconds: number) {
  const [program = '', ...words] = command;
  const { env, mark } = watchedEnvironment();
  const child = spawn(program, words, { cwd: folder, env, detached: process.platform !== 'win32' });
  const tracked = trackProcess(child.pid, mark);
  // It may close its input. If it ended too early, an answer is missing.
  child.stdin.on('error', () => {});
  child.stderr.resume();
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(`could not be started: ${error.message}`));
    child.on('close', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  void ended.then(() => tracked.release());
  let lines: AsyncIterator<string> | undefined;

  async function inTime<T>(promise: Promise<T>, missed: string): Promise<T> {
    const found = await Promise.race([promise, setTimeout(patienceMilliseconds, LATE, { ref: false })]);
    if (found !== LATE) return found;
    throw new ProtocolViolation(`${missed} within ${patienceMilliseconds / 1000} s`);
  }

  return {
    /** Writes whether or not the program is ready for more. */
    say(...words: readonly string[]): void {
      child.stdin.write(words.map((word) => `${word}\n`).join(''));
    },

    /** Lets its output pile up, as a busy reader does. */
    async leaveUnread(milliseconds: number): Promise<void> {
      child.stdout.pause();
      await setTimeout(milliseconds);
      child.stdout.resume();
    },

    closeInput(): void {
      child.stdin.end();
    },

    /** The next line it prints, as JSON; nothing is read before the first is asked for. */
    async hear(): Promise<unknown> {
      lines ??= createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const { done, value } = await inTime(lines.next(), 'printed no line');
      if (done) throw new ProtocolViolation(`ended with ${await ended} where an answer was due`);
      try {
        return JSON.parse(value);
      } catch {
        throw new ProtocolViolation(`printed ${quote(value)}, which is not JSON; standard error is for people`);
      }
    },

    /** Waits for the end and returns how it ended: `exit code 0`. Reads, so that unread output cannot hold it up. */
    end(): Promise<string> {
      child.stdout.resume();
      return inTime(ended, 'did not end');
    },

    /** Ends it at once, with all it started. */
    async kill(): Promise<void> {
      tracked.kill();
      child.stdout.resume();
      await ended;
    },
  };
}

const LATE = Symbol('late');
