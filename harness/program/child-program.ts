import { execa } from 'execa';
import { ImplementationFailure, quote } from './implementation-failure.ts';
import { LineReader } from './line-reader.ts';
import { type TrackedProcess, trackProcess, watchedEnvironment } from './live-processes.ts';
import { OutputExcerpt } from './output-excerpt.ts';
import { listedMemory, processMemory } from './process-usage.ts';
import { runningTimeout } from './running-clock.ts';

/** What a child prints unasked is noise, so a line of it is enough. */
const UNASKED_LINE_LENGTH = 4_096;
const MEMORY_POLL_MILLISECONDS = 100;
/** For a program's last words to arrive, and for a program to end after `quit`. */
const LAST_WORDS_MILLISECONDS = 500;
const QUIT_MILLISECONDS = 2_000;

interface ChildProgramOptions {
  /** Where the program runs, and what failures name. */
  readonly folder: string;
  readonly command: readonly string[];
  readonly memoryLimitBytes: number;
  readonly signal?: AbortSignal | undefined;
}

export interface AnswerLimits {
  readonly timeoutMilliseconds: number;
  readonly maximumLength: number;
}

interface Question extends AnswerLimits {
  readonly word: string;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * A child process that answers each word on its standard input with one JSON line on its standard output. The first thing that
 * goes wrong ends it, and answers every later question.
 */
export class ChildProgram {
  /** Of the last word by our clock, from before it was written until its answer was here. */
  wordNanoseconds = 0;
  readonly #options: ChildProgramOptions;
  readonly #subprocess;
  readonly #tracked: TrackedProcess;
  readonly #exited: Promise<void>;
  readonly #lines: LineReader;
  #question: Question | undefined;
  #stopWaiting = (): void => {};
  #state: 'running' | 'quitting' | 'ended' = 'running';
  /** Why it ended; set once the process is gone. */
  #reason: unknown;
  readonly #stderr = new OutputExcerpt();
  #asked = 0n;
  #peakRssBytes: number | undefined;

  constructor(options: ChildProgramOptions) {
    this.#options = options;
    options.signal?.throwIfAborted();
    const [program = '', ...words] = options.command;
    const { env, mark } = watchedEnvironment();
    this.#subprocess = execa(program, words, {
      cwd: options.folder,
      env,
      extendEnv: false,
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'pipe',
      buffer: false,
      encoding: 'buffer',
      reject: false,
      cleanup: false,
      detached: process.platform !== 'win32',
    });
    this.#tracked = trackProcess(this.#subprocess.pid, mark);
    this.#lines = new LineReader(
      () => this.#question?.maximumLength ?? UNASKED_LINE_LENGTH,
      (line) => this.#receive(line),
      () => this.#answerTooLong(),
    );
    this.#subprocess.stdin.on('error', () => {
      // The program has ended, which is reported as such.
    });
    this.#subprocess.stdout.on('data', (bytes: Uint8Array) => this.#lines.push(bytes));
    this.#subprocess.stderr.on('data', (bytes: Uint8Array) => this.#stderr.push(bytes));
    this.#exited = this.#watchExit();
    options.signal?.addEventListener('abort', this.#abort);
  }

  /** 0 if it could not be started. */
  get processId(): number {
    return this.#subprocess.pid ?? 0;
  }

  /** Waits for the line that the program prints when it is ready. */
  greeting(limits: AnswerLimits): Promise<unknown> {
    return this.#expect('to get ready', limits);
  }

  /** Writes a word and waits for the answer, parsed as JSON. @throws {ImplementationFailure} if no JSON line comes in time */
  ask(word: string, limits: AnswerLimits): Promise<unknown> {
    const answer = this.#expect(`\`${word.split(' ').slice(0, 2).join(' ')}\``, limits);
    this.#asked = process.hrtime.bigint();
    if (this.#state === 'running') this.#subprocess.stdin.write(`${word}\n`);
    return answer;
  }

  /** Asks the program to end, and kills it if it does not. */
  async quit(): Promise<void> {
    if (this.#state === 'running') {
      this.#notePeak();
      this.#state = 'quitting';
      this.#subprocess.stdin.end('quit\n');
      const patience = setTimeout(() => this.#tracked.kill(), QUIT_MILLISECONDS);
      await this.#exited;
      clearTimeout(patience);
    }
    await this.#exited;
  }

  /** The most memory it held; undefined if the platform does not tell. Without /proc it is only seen when asked here, between words. */
  peakRssBytes(): number | undefined {
    const { pid } = this.#subprocess;
    if (this.#notePeak() === undefined && this.#state !== 'ended' && pid !== undefined) {
      const held = listedMemory(pid);
      if (held !== undefined) this.#peakRssBytes = Math.max(this.#peakRssBytes ?? 0, held);
    }
    return this.#peakRssBytes;
  }

  /** Ends the program and makes `happened` the reason: for answers that are JSON but wrong. */
  async fail(happened: string, advice: string): Promise<never> {
    await this.#end(() => this.#failure(happened, advice));
    throw this.#reason;
  }

  #expect(word: string, limits: AnswerLimits): Promise<unknown> {
    if (this.#state === 'ended') {
      return this.#exited.then(() => {
        throw this.#reason;
      });
    }
    return new Promise((resolve, reject) => {
      this.#question = { word, resolve, reject, ...limits };
      const cancel = runningTimeout(() => this.#answerTooLate(), limits.timeoutMilliseconds);
      const poll = setInterval(() => this.#checkMemory(), MEMORY_POLL_MILLISECONDS);
      this.#stopWaiting = () => {
        cancel();
        clearInterval(poll);
      };
    });
  }

  #receive(line: string): void {
    if (this.#state !== 'running') return;
    this.wordNanoseconds = Number(process.hrtime.bigint() - this.#asked);
    const question = this.#question;
    if (question === undefined) {
      this.#breaks(
        `printed ${quote(line)} on standard output without being asked`,
        'standard output is for answers alone: print everything else on standard error',
      );
      return;
    }
    let answer: unknown;
    try {
      answer = JSON.parse(line);
    } catch {
      this.#breaks(
        `printed ${quote(line)} where a JSON line was expected (asked: ${question.word})`,
        'standard output is for answers alone: print everything else on standard error',
      );
      return;
    }
    this.#settle();
    question.resolve(answer);
  }

  #answerTooLong(): void {
    const { maximumLength } = this.#question ?? { maximumLength: UNASKED_LINE_LENGTH };
    this.#breaks(
      `printed a line of more than ${maximumLength} characters (asked: ${this.#question?.word ?? 'nothing'})`,
      'an answer is one line, with one number per step',
    );
  }

  #answerTooLate(): void {
    const seconds = (this.#question?.timeoutMilliseconds ?? 0) / 1000;
    const unfinished = this.#lines.unfinished;
    this.#breaks(
      `no answer within ${Number(seconds.toPrecision(3))} s (asked: ${this.#question?.word}${unfinished === '' ? '' : `; it printed ${quote(unfinished)} without an end of line`})`,
      'print one line for each word and flush standard output; --timeout gives it longer',
    );
  }

  #checkMemory(): void {
    const memory = this.#notePeak();
    if (memory === undefined || memory.resident <= this.#options.memoryLimitBytes) return;
    const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;
    this.#breaks(
      `held ${gibibytes(memory.resident)} of memory (asked: ${this.#question?.word}), the limit is ${gibibytes(this.#options.memoryLimitBytes)}`,
      'look for what grows with every step',
    );
  }

  #notePeak(): { readonly resident: number; readonly peak: number } | undefined {
    const pid = this.#subprocess.pid;
    if (this.#state === 'ended' || pid === undefined) return undefined;
    const memory = processMemory(pid);
    if (memory !== undefined && memory.peak > 0) this.#peakRssBytes = Math.max(this.#peakRssBytes ?? 0, memory.peak);
    return memory;
  }

  readonly #abort = (): void => {
    void this.#end(() => this.#options.signal?.reason);
  };

  #breaks(happened: string, advice: string): void {
    void this.#end(() => this.#failure(happened, advice));
  }

  /** The reason is made last, when all of its standard error has come. */
  async #end(reason: () => unknown): Promise<void> {
    if (this.#state === 'ended') return this.#exited;
    const question = this.#question;
    this.#settle();
    this.#state = 'ended';
    this.#tracked.kill();
    await this.#exited;
    this.#reason = reason();
    question?.reject(this.#reason);
  }

  async #watchExit(): Promise<void> {
    // A descendant may hold the pipes open for ever; the program itself has ended.
    const lastWords = new Promise<undefined>((resolve) => {
      this.#subprocess.once('exit', () => setTimeout(() => resolve(undefined), LAST_WORDS_MILLISECONDS));
    });
    const result = await Promise.race([this.#subprocess, lastWords]);
    this.#tracked.kill();
    this.#tracked.release();
    this.#options.signal?.removeEventListener('abort', this.#abort);
    if (this.#state !== 'running') return;
    const question = this.#question;
    this.#settle();
    this.#state = 'ended';
    this.#reason = this.#failure(...this.#describeExit(result?.code, question?.word));
    question?.reject(this.#reason);
  }

  /** @param code the system's word for why it could not be started */
  #describeExit(code: string | undefined, word: string | undefined): readonly [happened: string, advice: string] {
    const program = this.#options.command[0] ?? '';
    switch (code) {
      case 'EACCES':
        return [`may not run ${quote(program)}`, `give it its run bit: chmod +x ${program}`];
      case 'ENOENT':
        return [
          `there is no program ${quote(program)}`,
          'correct the field "run.command" in impl.json, or name the program under "needs"',
        ];
      case 'ENOEXEC':
        return [
          `${quote(program)} is no program this machine can run`,
          'begin a script with a line such as #!/usr/bin/env python3',
        ];
    }
    const { exitCode, signalCode } = this.#subprocess;
    const how = signalCode === null ? `exit code ${exitCode ?? 'unknown'}` : `signal ${signalCode}`;
    const when = word === undefined ? 'between two questions' : `instead of answering (asked: ${word})`;
    return [
      `ended with ${how} ${when}`,
      'it must go on until `quit` or the end of its input; what it said on standard error may tell more',
    ];
  }

  #failure(happened: string, advice: string): ImplementationFailure {
    return new ImplementationFailure(this.#options.folder, happened, advice, this.#stderr.text());
  }

  #settle(): void {
    this.#question = undefined;
    this.#stopWaiting();
  }
}
