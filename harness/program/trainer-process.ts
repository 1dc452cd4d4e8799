import { unlinkSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import { UnsupportedTask } from '../../impls/contract.ts';
import { printableLine } from '../printable.ts';
import { cacheFolder } from '../project.ts';
import type { PreparedTask } from '../task/task.ts';
import { locateCommand } from './availability.ts';
import { buildImplementation } from './build.ts';
import { type AnswerLimits, ChildProgram } from './child-program.ts';
import type { Implementation } from './discover.ts';
import { readDump } from './dump-file.ts';
import { forgetUnused } from './forget-unused.ts';
import { ImplementationFailure, quote } from './implementation-failure.ts';
import { PROTOCOL_VERSION } from './manifest.ts';
import { processorMilliseconds, type SchedulerTimes, schedulerTimes } from './process-usage.ts';
import { findRuntime, type RuntimeName } from './runtime.ts';
import { type TaskFiles, writeTaskFiles } from './task-files.ts';
import { type TemporaryFolder, temporaryFolder } from './temporary-folder.ts';

export interface TrainerOptions {
  /** Ends the process at once; what was asked rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Of a TypeScript implementation; the pinned Node by default. */
  readonly runtime?: RuntimeName | undefined;
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
  /** Current parameters, in the order of `TrainingTask.parameters`. @param into an answer of before that is no longer needed */
  parameters(into?: Float64Array): Promise<Float64Array>;
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
  /** Of all its threads and descendants, with those that have ended; undefined if the platform does not tell. */
  processorMilliseconds(): number | undefined;
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

/** The answers of the protocol. */
export const unsupportedReply = z.strictObject({ unsupported: printed });
export const readyReply = z.union([
  z.strictObject({ ready: z.literal(PROTOCOL_VERSION), buildNanoseconds: z.number().nonnegative().optional() }),
  unsupportedReply,
]);
export const trainReply = z.strictObject({
  losses: z.array(z.number().nullable()),
  nanoseconds: z.number().positive(),
});
export const resetReply = z.strictObject({ reset: z.literal(true) });
export const errorReply = z.strictObject({ error: z.string().min(1) });

/** Folders of the cache: what the harness builds, and what rows build by themselves. */
const MADE_BY_BUILDS = ['build', 'kernels'];

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
  const command = await programWords(implementation, build?.folder, options.runtime);
  const folder = await temporaryFolder();
  try {
    const files = await writeTaskFiles(task, folder.path);
    const started = process.hrtime.bigint();
    const program = new ChildProgram({
      folder: implementation.folder,
      command: [...command, ...files.flags],
      // Three quarters of the machine, and never more than 8 GiB: training this model takes megabytes.
      memoryLimitBytes: options.memoryLimitBytes ?? Math.min(0.75 * totalmem(), 8 * 2 ** 30),
      signal: options.signal,
    });
    const { begin, ...words } = conversation(program, { task, files, folder }, options.replyTimeoutMilliseconds);
    const ready = await begin();
    const startupNanoseconds = Number(process.hrtime.bigint() - started);
    if ('unsupported' in ready) {
      await program.quit();
      throw new UnsupportedTask(ready.unsupported);
    }
    const buildNanoseconds = (build?.nanoseconds ?? 0) + (ready.buildNanoseconds ?? 0);
    if (buildNanoseconds > 0) for (const made of MADE_BY_BUILDS) await forgetUnused(cacheFolder(made));
    return { ...words, startupNanoseconds, ...(buildNanoseconds > 0 ? { buildNanoseconds } : {}) };
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}

/** The words that start an implementation, the flags of a task not among them. */
export async function programWords(
  implementation: Implementation,
  buildFolder: string | undefined,
  runtime: RuntimeName = 'node',
): Promise<readonly string[]> {
  const { run } = implementation.manifest;
  if ('module' in run) {
    const host = await findRuntime(runtime);
    if (host === undefined) throw new ImplementationFailure(implementation.folder, 'no Node to run it', 'run `npm ci`');
    const flags = runtime === 'deno' ? ['run', '--allow-all', '--quiet'] : [];
    return [host.path, ...flags, hostPath, resolve(implementation.folder, run.module)];
  }
  const command = run.command.map((word) => word.replaceAll('{output}', buildFolder ?? ''));
  const [program = '', ...words] = await locateCommand(implementation, command);
  const isPath = program.includes('/') && !isAbsolute(program);
  return [isPath ? resolve(implementation.folder, program) : program, ...words];
}

type Conversation = Omit<TrainerProcess, 'startupNanoseconds' | 'buildNanoseconds'> & {
  readonly begin: () => Promise<z.infer<typeof readyReply>>;
};

/**
 * The words of the protocol, each with what its answer must look like.
 * @param begun the task, its files, and the folder of the process, which goes with it
 */
function conversation(
  program: ChildProgram,
  begun: { readonly task: PreparedTask; readonly files: TaskFiles; readonly folder: TemporaryFolder },
  replyTimeoutMilliseconds = DEFAULT_REPLY_TIMEOUT_MILLISECONDS,
): Conversation {
  const slowestStep = (task: PreparedTask) => (1000 * flopsPerStep(task)) / SLOWEST_FLOPS_PER_SECOND;
  const folder = begun.folder.path;
  let { task, files } = begun;
  let millisecondsPerStep = slowestStep(task);
  let tasksTaken = 0;

  const limits = (steps: number): AnswerLimits => ({
    timeoutMilliseconds: replyTimeoutMilliseconds + steps * millisecondsPerStep,
    maximumLength: CHARACTERS_PER_ANSWER + steps * CHARACTERS_PER_LOSS,
  });

  const parse = async <T>(schema: z.ZodType<T>, answer: unknown, when: string, expected: string): Promise<T> => {
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    const error = errorReply.safeParse(answer);
    if (error.success) {
      return program.fail(
        `answered ${when} with the error ${quote(error.data.error, 300)}`,
        'what it said on standard error may tell more',
      );
    }
    return program.fail(`answered ${when} with ${quote(JSON.stringify(answer))}`, `expected ${expected}`);
  };

  const ask = async <T>(word: string, schema: z.ZodType<T>, expected: string, steps = 1): Promise<T> =>
    parse(schema, await program.ask(word, limits(steps)), `to \`${word}\``, expected);

  const dump = async (word: 'parameters' | 'gradients', into?: Float64Array): Promise<Float64Array | undefined> => {
    const file = join(folder, word);
    const answer = await program.ask(`${word} ${file}`, limits(1));
    const count = task.training.parameters.length;
    const schema = z.union([z.strictObject({ [word]: z.literal(count) }), unsupportedReply]);
    const reply = await parse(schema, answer, `to \`${word} FILE\``, `{"${word}":${count}}`);
    if (unsupportedReply.safeParse(reply).success) return undefined;
    const dumped = readDump(file, count, into);
    if ('problem' in dumped) {
      return program.fail(
        `on \`${word} FILE\` it ${dumped.problem}`,
        `write the ${count} ${word} as little-endian float64, and close the file before answering`,
      );
    }
    unlinkSync(file);
    if (!files.hold()) {
      return program.fail('changed or removed the files of its task', 'read these files, and leave them as they are');
    }
    return dumped.numbers;
  };

  /** Has the program write a vector of parameter size to a file; undefined where it declines. */
  const dumpWithRoom = async (word: 'parameters' | 'gradients', into?: Float64Array) => {
    try {
      return await dump(word, into);
    } catch (error) {
      // A full disk is not the program's fault: then as many bytes cannot be written here either.
      if (error instanceof ImplementationFailure) {
        const probe = join(folder, 'room');
        await mkdir(folder, { recursive: true });
        await writeFile(probe, new Uint8Array(8 * task.training.parameters.length));
        await rm(probe);
      }
      throw error;
    }
  };

  return {
    begin: async () => {
      const expected = `{"ready":${PROTOCOL_VERSION}} once it is ready, where ${PROTOCOL_VERSION} is the version of the protocol`;
      return parse(readyReply, await program.greeting(limits(1)), 'at the start', expected);
    },
    train: async (steps) => {
      const expected = '{"losses":[one number per step],"nanoseconds":a number above 0}';
      const { losses, nanoseconds } = await ask(`train ${steps}`, trainReply, expected, steps);
      if (losses.length !== steps) {
        return program.fail(
          `answered \`train ${steps}\` with ${losses.length} losses`,
          'answer with the loss of each of these steps, and of no other',
        );
      }
      millisecondsPerStep = (PATIENCE * program.wordNanoseconds) / 1e6 / steps;
      return { losses: Float64Array.from(losses, (loss) => loss ?? Number.NaN), nanoseconds };
    },
    reset: async (firstDocument) => {
      await ask(`reset ${firstDocument}`, resetReply, '{"reset":true}');
    },
    parameters: async (into) =>
      (await dumpWithRoom('parameters', into)) ??
      program.fail('declined `parameters FILE`', 'every implementation must be able to show its parameters'),
    gradients: () => dumpWithRoom('gradients'),
    take: async (next) => {
      tasksTaken += 1;
      const itsFiles = await writeTaskFiles(next, folder, `task-${tasksTaken}`);
      const file = join(folder, 'task');
      await writeFile(file, itsFiles.flags.join('\n'));
      const answer = await program.ask(`task ${file}`, limits(1));
      if (errorReply.safeParse(answer).success) return false;
      const reply = await parse(readyReply, answer, 'to `task FILE`', `{"ready":${PROTOCOL_VERSION}}, as at the start`);
      [task, files] = [next, itsFiles];
      millisecondsPerStep = slowestStep(next);
      if ('unsupported' in reply) throw new UnsupportedTask(reply.unsupported);
      return true;
    },
    emptyWord: async () => {
      await ask(EMPTY_WORD, errorReply, '{"error":"one line"}, for there is no such word');
    },
    wordNanoseconds: () => program.wordNanoseconds,
    schedulerTimes: () => schedulerTimes(program.processId),
    processorMilliseconds: () => processorMilliseconds(program.processId),
    peakRssBytes: () => program.peakRssBytes(),
    quit: async () => {
      await program.quit();
      await begun.folder[Symbol.asyncDispose]();
    },
  };
}

/** Floating-point operations of one step, roughly: three passes over every weight for every position. */
export function flopsPerStep(task: PreparedTask): number {
  const { training } = task;
  const documents = training.offsets.length - 1;
  const positions = (training.tokens.length - documents) / documents;
  return 6 * training.parameters.length * positions * training.batch;
}
