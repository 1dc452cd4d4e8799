import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { buildImplementation } from '../program/build.ts';
import type { Implementation } from '../program/discover.ts';
import { readDump } from '../program/dump-file.ts';
import { quote } from '../program/implementation-failure.ts';
import { writeTaskFiles } from '../program/task-files.ts';
import { temporaryFolder } from '../program/temporary-folder.ts';
import {
  errorReply,
  programWords,
  readyReply,
  resetReply,
  trainReply,
  unsupportedReply,
} from '../program/trainer-process.ts';
import type { PreparedTask } from '../task/task.ts';
import { ProtocolViolation, type RawProgram, startRawProgram } from './raw-program.ts';

/** One demand of the protocol, and what the program did instead. */
interface ProtocolFinding {
  readonly trial: string;
  readonly problem?: string;
}

export interface ConformanceOptions {
  readonly signal?: AbortSignal | undefined;
  readonly patienceMilliseconds?: number | undefined;
  /** The one trial to run; all by default. */
  readonly trial?: string | undefined;
}

const PATIENCE_MILLISECONDS = 60_000;
/** The answers fill more than a pipe (64 KiB on Linux). */
const WORDS_TO_FILL_A_PIPE = 6_000;
const UNREAD_MILLISECONDS = 250;

/** Training is calm, so every loss is finite. */
const trained = trainReply.extend({ losses: z.array(z.number()) });

interface Bench {
  /** Starts the program on a task and reads its greeting. */
  open(task: PreparedTask): Promise<RawProgram>;
  readonly task: PreparedTask;
  readonly hugeTask: PreparedTask;
  readonly folder: string;
}

type Trial = (bench: Bench) => Promise<void>;

/** In the order in which a person writes a program: first that it answers at all. */
const trials: Readonly<Record<string, Trial>> = {
  'says that it is ready': async ({ open, task }) => {
    await open(task);
  },
  'answers `train 2` with two losses and a time': async ({ open, task }) => {
    await train(await open(task), 2);
  },
  'trains on where it stopped: 1 step and 2 more give the losses of 3': async ({ open, task }) => {
    const program = await open(task);
    const whole = await train(program, 3);
    await reset(program);
    expectSame([...(await train(program, 1)), ...(await train(program, 2))], whole, 'in two parts');
  },
  'gives the same losses after `reset`': async ({ open, task }) => {
    const program = await open(task);
    const first = await train(program, 3);
    await reset(program);
    expectSame(await train(program, 3), first, 'after `reset`');
  },
  'starts with the document that `reset 1` names, and counts documents modulo their number': async ({ open, task }) => {
    const program = await open(task);
    const fromFirst = await train(program, 1);
    await reset(program, 1);
    const fromSecond = await train(program, 1);
    if (Object.is(fromSecond[0], fromFirst[0])) {
      throw new ProtocolViolation(
        `the first loss after \`reset 1\` is ${fromSecond[0]}, as after \`reset 0\`; step s takes documents 1 + s·batch and on`,
      );
    }
    await reset(program, task.training.offsets.length);
    expectSame(await train(program, 1), fromSecond, 'after `reset` with a number larger than that of documents');
  },
  'answers an unknown word with an error and goes on': ({ open, task }) => refusesAndGoesOn(open, task, 'dance 3'),
  'answers `train many` with an error and goes on': ({ open, task }) => refusesAndGoesOn(open, task, 'train many'),
  'answers `reset` without a number with an error and goes on': ({ open, task }) =>
    refusesAndGoesOn(open, task, 'reset'),
  'answers `parameters` into a missing folder with an error and goes on': ({ open, task, folder }) =>
    refusesAndGoesOn(open, task, `parameters ${join(folder, 'missing', 'file')}`),
  'writes its start parameters, and as many after a step': async ({ open, task, folder }) => {
    const program = await open(task);
    const start = task.training.parameters;
    const written = await dump(program, 'parameters', folder, start.length);
    const differing = written?.findIndex((value, i) => Math.abs(value - start[i]) > 1e-6);
    if (written === undefined || differing !== -1) {
      throw new ProtocolViolation(
        `parameter ${differing} is not the start parameter; write them as float64, little-endian, in the order they came`,
      );
    }
    await train(program, 1);
    await dump(program, 'parameters', folder, start.length);
  },
  'writes into a path that holds a space: an argument is the rest of the line': async ({ open, task, folder }) => {
    const spaced = join(folder, 'a path with spaces');
    await mkdir(spaced, { recursive: true });
    await dump(await open(task), 'parameters', spaced, task.training.parameters.length);
  },
  'trains the same whether or not `gradients` was asked': async ({ open, task, folder }) => {
    const program = await open(task);
    const undisturbed = await train(program, 2);
    await reset(program);
    const first = await train(program, 1);
    await dump(program, 'gradients', folder, task.training.parameters.length);
    expectSame([...first, ...(await train(program, 1))], undisturbed, 'after `gradients`');
  },
  'waits for a reader that is slow': async ({ open, task }) => {
    const program = await open(task);
    program.say(...Array.from({ length: WORDS_TO_FILL_A_PIPE }, () => 'reset 0'), 'train 1');
    await program.leaveUnread(UNREAD_MILLISECONDS);
    for (let i = 0; i < WORDS_TO_FILL_A_PIPE; i++) expectAnswer(resetReply, await program.hear(), 'reset 0');
    expectAnswer(trained, await program.hear(), 'train 1');
  },
  'trains on a huge task, or says that it cannot': async ({ open, hugeTask }) => {
    const program = await open(hugeTask);
    const [loss] = await train(program, 1);
    if (!(loss > 0)) throw new ProtocolViolation(`the first loss is ${loss}; expected a number above 0`);
  },
  'begins another task after `task FILE`, or answers with an error and goes on': async ({
    open,
    task,
    hugeTask,
    folder,
  }) => {
    const expected = await train(await open(task), 2);
    const program = await open(hugeTask);
    const file = join(folder, 'task');
    await writeFile(file, (await writeTaskFiles(task, folder, 'next')).flags.join('\n'));
    program.say(`task ${file}`);
    const answer = await program.hear();
    if (errorReply.safeParse(answer).success) return void (await train(program, 1));
    expectAnswer(readyReply, answer, 'task FILE');
    expectSame(await train(program, 2), expected, 'after `task FILE`');
  },
  'ends on `quit`, with work behind it and none before it': async ({ open, task }) => {
    const program = await open(task);
    program.say('train 2', 'quit', 'train 2');
    expectAnswer(trained, await program.hear(), 'train 2');
    await expectEnd(program, '`quit`');
  },
  'ends when its input ends': async ({ open, task }) => {
    const program = await open(task);
    program.closeInput();
    await expectEnd(program, 'the end of its input');
  },
};

/**
 * Tries what the protocol (`impls/README.md`) asks of a program, each trial in a process of its own. Whether losses are right
 * is not looked at.
 * @throws {ImplementationFailure} if it cannot be built
 */
export async function* tryProtocol(
  implementation: Implementation,
  tasks: { readonly task: PreparedTask; readonly hugeTask: PreparedTask },
  { signal, patienceMilliseconds = PATIENCE_MILLISECONDS, trial: only }: ConformanceOptions = {},
): AsyncGenerator<ProtocolFinding> {
  const build = await buildImplementation(implementation, signal);
  const words = await programWords(implementation, build?.folder);
  await using temporary = await temporaryFolder();
  const folder = temporary.path;
  for (const [trial, attempt] of Object.entries(trials)) {
    if (only !== undefined && only !== trial) continue;
    const opened: RawProgram[] = [];
    const open = async (task: PreparedTask): Promise<RawProgram> => {
      signal?.throwIfAborted();
      const own = await mkdtemp(join(folder, 'process-'));
      const command = [...words, ...(await writeTaskFiles(task, own)).flags];
      const program = startRawProgram(implementation.folder, command, patienceMilliseconds);
      opened.push(program);
      signal?.addEventListener('abort', () => void program.kill(), { once: true });
      const greeting = expectAnswer(readyReply, await program.hear(), 'nothing yet');
      if ('unsupported' in greeting) throw new Declined(greeting.unsupported);
      return program;
    };
    try {
      await attempt({ open, ...tasks, folder });
      yield { trial };
    } catch (error) {
      if (error instanceof ProtocolViolation) yield { trial, problem: error.message };
      else if (error instanceof Declined) yield { trial };
      else throw error;
    } finally {
      await Promise.all(opened.map((program) => program.kill()));
    }
  }
}

/** The program declined the task, which is an answer. */
class Declined extends Error {}

function expectAnswer<T>(schema: z.ZodType<T>, answer: unknown, asked: string): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new ProtocolViolation(
    `printed ${quote(JSON.stringify(answer))} (asked: ${asked}); impls/README.md says what it should be`,
  );
}

async function train(program: RawProgram, steps: number): Promise<readonly number[]> {
  program.say(`train ${steps}`);
  const { losses } = expectAnswer(trained, await program.hear(), `train ${steps}`);
  if (losses.length === steps) return losses;
  throw new ProtocolViolation(`answered \`train ${steps}\` with ${losses.length} losses; one for each step`);
}

async function reset(program: RawProgram, firstDocument = 0): Promise<void> {
  program.say(`reset ${firstDocument}`);
  expectAnswer(resetReply, await program.hear(), `reset ${firstDocument}`);
}

async function refusesAndGoesOn(open: Bench['open'], task: PreparedTask, word: string): Promise<void> {
  const program = await open(task);
  program.say(word);
  expectAnswer(errorReply, await program.hear(), word);
  await train(program, 1);
}

/** Has the program write a file, and returns its numbers; undefined if it never stores them. */
async function dump(
  program: RawProgram,
  word: 'parameters' | 'gradients',
  folder: string,
  count: number,
): Promise<Float64Array | undefined> {
  const file = join(folder, word);
  program.say(`${word} ${file}`);
  const answer = await program.hear();
  if (word === 'gradients' && unsupportedReply.safeParse(answer).success) return undefined;
  expectAnswer(z.strictObject({ [word]: z.literal(count) }), answer, `${word} FILE`);
  const written = readDump(file, count);
  if ('problem' in written)
    throw new ProtocolViolation(`\`${word}\`: ${written.problem}; write ${count} float64 and close it first`);
  return written.numbers;
}

function expectSame(actual: readonly number[], expected: readonly number[], when: string): void {
  const step = expected.findIndex((loss, i) => !Object.is(loss, actual[i]));
  if (step === -1) return;
  throw new ProtocolViolation(
    `the loss of step ${step + 1} ${when} is ${actual[step]}, and was ${expected[step]}; every lap must be the same work`,
  );
}

async function expectEnd(program: RawProgram, cause: string): Promise<void> {
  const how = await program.end();
  if (how !== 'exit code 0') throw new ProtocolViolation(`ended with ${how} on ${cause}; expected exit code 0`);
}
