import { unlinkSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, totalmem } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import { UnsupportedTask } from '../../impls/contract.ts';
import { printableLine } from '../printable.ts';
import type { PreparedTask } from '../task/task.ts';
import { locateCommand } from './availability.ts';
import { buildImplementation } from './build.ts';
import { type AnswerLimits, ChildProgram } from './child-program.ts';
import type { Implementation } from './discover.ts';
import { readDump } from './dump-file.ts';
import { ImplementationFailure, quote } from './implementation-failure.ts';
import { PROTOCOL_VERSION } from './manifest.ts';
import { type SchedulerTimes, schedulerTimes } from './process-usage.ts';
import { findRuntime, type Runtime, runtimeCommand } from './runtime.ts';
import { taskFilesHold, taskFlags } from './task-files.ts';

export interface TrainerOptions {
  /** Ends the process at once; what was asked rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Of a TypeScript implementation; the pinned Node by default. */
  readonly runtime?: Runtime | undefined;
  readonly replyTimeoutMilliseconds?: number | undefined;
  readonly memoryLimitBytes?: number | undefined;
  /** Called with the program when a build begins. */
  readonly onBuild?: ((program: string) => void) | undefined;
}

/** An implementation in training, in a process of its own. Whatever goes wrong throws an {@link ImplementationFailure}. */
export interface TrainerProcess {
  /** From the start of the process until it was ready for the first word. */
  readonly startupNanoseconds: number;
  /** Time for building code for these sizes, if any was built just now. */
  readonly buildNanoseconds?: number;
  /** The loss of each step (NaN if not finite), and the child's own time for them. */
  train(steps: number): Promise<{ readonly losses: Float64Array; readonly nanoseconds: number }>;
  /** Back to step 0, whose documents begin with `firstDocument`. */
  reset(firstDocument: number): Promise<void>;
  /** Current parameters, in the order of `TrainingTask.parameters`. */
  parameters(): Promise<Float64Array>;
  /** Of the next step's loss; undefined if the implementation never stores one. */
  gradients(): Promise<Float64Array | undefined>;
  /**
   * Has the process begin another task, which saves starting one; false if it does not know how to. @throws UnsupportedTask if
   * it declines that task
   */
  take(task: PreparedTask): Promise<boolean>;
  /** Says an unknown word, which every program answers at once: what a word costs without any work. */
  emptyWord(): Promise<void>;
  /** Of the last word by the harness's clock, from before it was written until its answer was here. */
  wordNanoseconds(): number;
  /** Of the process and all that it started, if the platform tells. */
  schedulerTimes(): SchedulerTimes | undefined;
  /** If the platform tells. */
  peakRssBytes(): number | undefined;
  /** Ends the process. Never throws, and may be called more than once. */
  quit(): Promise<void>;
}

/** Beyond the time that the work needs. */
export const DEFAULT_REPLY_TIMEOUT_MILLISECONDS = 30_000;
/** An eighth of CPython's scalar autograd on the reference machine. */
const SLOWEST_FLOPS_PER_SECOND = 75_000;
/** A step this much slower than the slowest one before counts as a hang. */
const PATIENCE = 20;
/** JSON of a float64 takes at most 24 characters and a comma. */
const CHARACTERS_PER_LOSS = 25;
const CHARACTERS_PER_ANSWER = 4_096;

/** No word of the protocol. */
const EMPTY_WORD = 'nothing';

const hostPath = join(import.meta.dirname, 'host.ts');

/** Words of a program, fit to be shown. */
const printed = z.string().transform((text) => printableLine(text));

const readyReply = z.union([
  z.strictObject({ ready: z.literal(PROTOCOL_VERSION), buildNanoseconds: z.number().nonnegative().optional() }),
  z.strictObject({ unsupported: printed }),
]);
const trainReply = z.strictObject({ losses: z.array(z.number().nullable()), nanoseconds: z.number().positive() });
const resetReply = z.strictObject({ reset: z.literal(true) });
const unsupportedReply = z.strictObject({ unsupported: printed });
const errorReply = z.strictObject({ error: z.string() });

/**
 * Starts an implementation on a task and waits until it is ready.
 * @throws {ImplementationFailure} where it breaks, and {@link UnsupportedTask} where it declines this task
 */
export async function startTrainer(
  implementation: Implementation,
  task: PreparedTask,
  options: TrainerOptions = {},
): Promise<TrainerProcess> {
  const build = await buildImplementation(implementation, options.signal, options.onBuild);
  const command = [
    ...(await programWords(implementation, options.runtime, build?.folder)),
    ...(await taskFlags(task, implementation.name)),
  ];
  const started = process.hrtime.bigint();
  const program = new ChildProgram({
    folder: implementation.folder,
    command,
    memoryLimitBytes: options.memoryLimitBytes ?? defaultMemoryLimit(),
    signal: options.signal,
  });
  const conversation = new Conversation(implementation.name, program, task, options.replyTimeoutMilliseconds);
  const ready = await conversation.begin();
  const startupNanoseconds = Number(process.hrtime.bigint() - started);
  if ('unsupported' in ready) {
    await program.quit();
    throw new UnsupportedTask(ready.unsupported);
  }
  const buildNanoseconds = (build?.nanoseconds ?? 0) + (ready.buildNanoseconds ?? 0);
  return {
    startupNanoseconds,
    ...(buildNanoseconds > 0 ? { buildNanoseconds } : {}),
    train: (steps) => conversation.train(steps),
    reset: (firstDocument) => conversation.reset(firstDocument),
    parameters: async () => (await conversation.dump('parameters')) ?? conversation.refusesParameters(),
    gradients: () => conversation.dump('gradients'),
    take: (next) => conversation.take(next),
    emptyWord: () => conversation.emptyWord(),
    wordNanoseconds: () => program.wordNanoseconds,
    schedulerTimes: () => schedulerTimes(program.processId),
    peakRssBytes: () => program.peakRssBytes(),
    quit: () => conversation.end(),
  };
}

/** The words that start an implementation, the flags of a task not among them. */
export async function programWords(
  implementation: Implementation,
  runtime: Runtime | undefined,
  buildFolder: string | undefined,
): Promise<readonly string[]> {
  const { run } = implementation.manifest;
  if ('module' in run) {
    const host = runtime ?? (await findRuntime('node'));
    if (host === undefined) throw new ImplementationFailure(implementation.folder, 'no Node to run it', 'run `npm ci`');
    return [...runtimeCommand(host, hostPath), resolve(implementation.folder, run.module)];
  }
  const command = run.command.map((word) => word.replaceAll('{output}', buildFolder ?? ''));
  const [program = '', ...words] = await locateCommand(implementation, command);
  const isPath = program.includes('/') && !isAbsolute(program);
  return [isPath ? resolve(implementation.folder, program) : program, ...words];
}

/** Three quarters of the machine, and never more than 8 GiB: training this model takes megabytes. */
function defaultMemoryLimit(): number {
  return Math.min(0.75 * totalmem(), 8 * 2 ** 30);
}

/** The words of the protocol, each with what its answer must look like. */
class Conversation {
  readonly #name: string;
  readonly #program: ChildProgram;
  #task: PreparedTask;
  readonly #replyTimeoutMilliseconds: number;
  #millisecondsPerStep = 0;
  #folder: string | undefined;

  constructor(name: string, program: ChildProgram, task: PreparedTask, replyTimeoutMilliseconds?: number) {
    this.#name = name;
    this.#program = program;
    this.#task = task;
    this.#replyTimeoutMilliseconds = replyTimeoutMilliseconds ?? DEFAULT_REPLY_TIMEOUT_MILLISECONDS;
    this.#isAbout(task);
  }

  #isAbout(task: PreparedTask): void {
    this.#task = task;
    this.#millisecondsPerStep = (1000 * flopsPerStep(task)) / SLOWEST_FLOPS_PER_SECOND;
  }

  async begin(): Promise<z.infer<typeof readyReply>> {
    const answer = await this.#program.greeting(this.#limits(1));
    const expected = `{"ready":${PROTOCOL_VERSION}} once it is ready, where ${PROTOCOL_VERSION} is the version of the protocol`;
    return this.#parse(readyReply, answer, 'at the start', expected);
  }

  async train(steps: number): Promise<{ readonly losses: Float64Array; readonly nanoseconds: number }> {
    const asked = process.hrtime.bigint();
    const answer = await this.#program.ask(`train ${steps}`, this.#limits(steps));
    const expected = '{"losses":[one number per step],"nanoseconds":a number above 0}';
    const reply = await this.#parse(trainReply, answer, `to \`train ${steps}\``, expected);
    if (reply.losses.length !== steps) {
      return this.#program.fail(
        `answered \`train ${steps}\` with ${reply.losses.length} losses`,
        'answer with the loss of each of these steps, and of no other',
      );
    }
    const elapsed = Number(process.hrtime.bigint() - asked) / 1e6;
    this.#millisecondsPerStep = (PATIENCE * elapsed) / steps;
    return { losses: Float64Array.from(reply.losses, (loss) => loss ?? Number.NaN), nanoseconds: reply.nanoseconds };
  }

  async reset(firstDocument: number): Promise<void> {
    const word = `reset ${firstDocument}`;
    await this.#parse(resetReply, await this.#program.ask(word, this.#limits(1)), `to \`${word}\``, '{"reset":true}');
  }

  async take(task: PreparedTask): Promise<boolean> {
    const file = join(await this.#ownFolder(), 'task');
    await writeFile(file, (await taskFlags(task, this.#name)).join('\n'));
    const answer = await this.#program.ask(`task ${file}`, this.#limits(1));
    if (errorReply.safeParse(answer).success) return false;
    const expected = `{"ready":${PROTOCOL_VERSION}}, as at the start`;
    const reply = await this.#parse(readyReply, answer, 'to `task FILE`', expected);
    this.#isAbout(task);
    if ('unsupported' in reply) throw new UnsupportedTask(reply.unsupported);
    return true;
  }

  async emptyWord(): Promise<void> {
    const answer = await this.#program.ask(EMPTY_WORD, this.#limits(1));
    await this.#parse(errorReply, answer, `to \`${EMPTY_WORD}\``, '{"error":"one line"}, for there is no such word');
  }

  /** Has the program write a vector of parameter size to a file; undefined where it declines. */
  async dump(word: 'parameters' | 'gradients'): Promise<Float64Array | undefined> {
    try {
      return await this.#dump(word);
    } catch (error) {
      // A full disk is not the program's fault.
      if (error instanceof ImplementationFailure) await this.#requireRoom();
      throw error;
    }
  }

  /** @throws the system's own error where as many bytes as a dump has cannot be written */
  async #requireRoom(): Promise<void> {
    if (this.#folder === undefined) return;
    const probe = join(this.#folder, 'room');
    await mkdir(this.#folder, { recursive: true });
    await writeFile(probe, new Uint8Array(8 * this.#task.training.parameters.length));
    await rm(probe);
  }

  async #dump(word: 'parameters' | 'gradients'): Promise<Float64Array | undefined> {
    const file = join(await this.#ownFolder(), word);
    const answer = await this.#program.ask(`${word} ${file}`, this.#limits(1));
    const count = this.#task.training.parameters.length;
    const schema = z.union([z.strictObject({ [word]: z.literal(count) }), unsupportedReply]);
    const reply = await this.#parse(schema, answer, `to \`${word} FILE\``, `{"${word}":${count}}`);
    if (unsupportedReply.safeParse(reply).success) return undefined;
    const dump = readDump(file, count);
    if ('problem' in dump) {
      return this.#program.fail(
        `on \`${word} FILE\` it ${dump.problem}`,
        `write the ${count} ${word} as little-endian float64, and close the file before answering`,
      );
    }
    unlinkSync(file);
    if (!taskFilesHold(this.#task.training, this.#name)) {
      return this.#program.fail(
        'changed or removed the files of its task',
        'read these files, and leave them as they are',
      );
    }
    return dump.numbers;
  }

  async #ownFolder(): Promise<string> {
    this.#folder ??= await mkdtemp(join(tmpdir(), 'microgpt-bench-'));
    return this.#folder;
  }

  refusesParameters(): Promise<never> {
    return this.#program.fail('declined `parameters FILE`', 'every implementation must be able to show its parameters');
  }

  async end(): Promise<void> {
    await this.#program.quit();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  #limits(steps: number): AnswerLimits {
    return {
      timeoutMilliseconds: this.#replyTimeoutMilliseconds + steps * this.#millisecondsPerStep,
      maximumLength: CHARACTERS_PER_ANSWER + steps * CHARACTERS_PER_LOSS,
    };
  }

  async #parse<T>(schema: z.ZodType<T>, answer: unknown, when: string, expected: string): Promise<T> {
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    const error = errorReply.safeParse(answer);
    if (error.success) {
      return this.#program.fail(
        `answered ${when} with the error ${quote(error.data.error, 300)}`,
        'what it said on standard error may tell more',
      );
    }
    return this.#program.fail(`answered ${when} with ${quote(JSON.stringify(answer))}`, `expected ${expected}`);
  }
}

/** Floating-point operations of one step, roughly: three passes over every weight for every position. */
export function flopsPerStep(task: PreparedTask): number {
  const { training } = task;
  const documents = training.offsets.length - 1;
  const positions = (training.tokens.length - documents) / documents;
  return 6 * training.parameters.length * positions * training.batch;
}
