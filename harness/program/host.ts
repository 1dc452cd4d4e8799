/**
 * Hosts a TypeScript implementation: `host.ts MODULE --tokens FILE …` speaks the line protocol for the module's default export,
 * a `CreateTrainer`. Runs under Node, Bun and Deno. It is part of every measured start-up, so it imports as little as it can.
 * Whoever starts it sets NODE_COMPILE_CACHE.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { CreateTrainer, Trainer, TrainingTask } from '../../impls/contract.ts';

const PROTOCOL_VERSION = 2;

// What a module prints for its author must not get between the answers.
console.log = console.error;
console.info = console.error;
console.debug = console.error;

class WrongWord extends Error {}

await main();

async function main(): Promise<void> {
  const [module = '', ...flags] = process.argv.slice(2);
  try {
    const task = readTask(flags);
    const create = await loadFactory(module);
    const { greeting, trainer } = await begin(create, task);
    answer(greeting);
    if (trainer !== undefined) listen(create, trainer);
  } catch (error) {
    answer(failure(error));
    process.exitCode = 1;
  }
}

/** No trainer if the implementation declines the task. */
async function begin(create: CreateTrainer, task: TrainingTask): Promise<{ greeting: object; trainer?: Trainer }> {
  try {
    const trainer = requireTrainer(await create(task));
    const { buildNanoseconds } = trainer;
    return { trainer, greeting: { ready: PROTOCOL_VERSION, buildNanoseconds } };
  } catch (error) {
    if (error instanceof Error && error.name === 'UnsupportedTask') return { greeting: { unsupported: error.message } };
    throw error;
  }
}

/** The words come in pairs, a flag and its value. */
function readTask(words: readonly string[]): TrainingTask {
  const flags: Record<string, string> = {};
  for (let i = 0; i < words.length; i += 2) flags[words[i]] = words[i + 1];
  return {
    model: {
      nEmbd: Number(flags['--n-embd']),
      nHead: Number(flags['--n-head']),
      nLayer: Number(flags['--n-layer']),
      blockSize: Number(flags['--block-size']),
      vocabSize: Number(flags['--vocab-size']),
    },
    tokens: new Int32Array(readBytes(flags['--tokens'])),
    offsets: new Int32Array(readBytes(flags['--offsets'])),
    parameters: new Float64Array(readBytes(flags['--parameters'])),
    batch: Number(flags['--batch']),
    numSteps: Number(flags['--num-steps']),
    learningRate: Number(flags['--learning-rate']),
  };
}

/** Aligned for any typed array. */
function readBytes(path: string): ArrayBuffer {
  const bytes = readFileSync(path);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

async function loadFactory(module: string): Promise<CreateTrainer> {
  const loaded: { readonly default?: unknown } = await import(pathToFileURL(module).href);
  if (isFactory(loaded.default)) return loaded.default;
  throw new Error(
    `${module} has no default export that is a function: export default (task) => trainer, see impls/contract.ts`,
  );
}

function isFactory(value: unknown): value is CreateTrainer {
  return typeof value === 'function';
}

function requireTrainer(trainer: Trainer): Trainer {
  const lacking = (['train', 'reset', 'parameters'] as const).find((method) => typeof trainer?.[method] !== 'function');
  if (lacking === undefined) return trainer;
  throw new Error(`the factory returned no trainer: it has no method ${lacking}, see impls/contract.ts`);
}

/** Answers words until `quit` or the end of input, one after the other. */
function listen(create: CreateTrainer, first: Trainer): void {
  let trainer: Trainer | undefined = first;
  let pending = '';
  const lines: string[] = [];
  let isAtWork = false;
  const end = () => {
    trainer?.close?.();
    process.exit(0);
  };
  /** Only a new task takes more than one turn. */
  const work = async () => {
    isAtWork = true;
    for (let line = lines.shift()?.trim(); line !== undefined; line = lines.shift()?.trim()) {
      if (line === 'quit') return end();
      if (!line.startsWith('task ')) {
        answer(reply(trainer, line));
        continue;
      }
      try {
        const begun = await begin(create, readTask(readFileSync(line.slice('task '.length), 'utf8').split('\n')));
        trainer?.close?.();
        trainer = begun.trainer;
        answer(begun.greeting);
      } catch (error) {
        answer(failure(error));
      }
    }
    isAtWork = false;
  };
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (text: string) => {
    const words = (pending + text).split('\n');
    pending = words.pop() ?? '';
    lines.push(...words);
    if (!isAtWork) void work();
  });
  process.stdin.on('end', end);
}

function reply(trainer: Trainer | undefined, line: string): object {
  const [word] = line.split(' ', 1);
  // The rest of the line: the path of a file may hold spaces.
  const argument = line.slice(word.length + 1);
  try {
    if (trainer === undefined) throw new WrongWord('there is no task: the last one was declined');
    switch (word) {
      case 'train':
        return train(trainer, wholeNumber(argument, 1, '"train" takes a whole number of steps, at least 1'));
      case 'reset':
        trainer.reset(wholeNumber(argument, 0, '"reset" takes the number of the first document, at least 0'));
        return { reset: true };
      case 'parameters':
        return { parameters: write(argument, trainer.parameters()) };
      case 'gradients':
        if (trainer.gradients === undefined) return { unsupported: 'gradients are never stored' };
        return { gradients: write(argument, trainer.gradients()) };
      default:
        throw new WrongWord(`unknown word "${word}"; there are train, reset, parameters, gradients, task, quit`);
    }
  } catch (error) {
    return failure(error);
  }
}

function train(trainer: Trainer, steps: number): object {
  const started = process.hrtime.bigint();
  const losses = trainer.train(steps);
  const nanoseconds = Number(process.hrtime.bigint() - started);
  return { losses: Array.from(losses, (loss) => (Number.isFinite(loss) ? loss : null)), nanoseconds };
}

function wholeNumber(argument: string, least: number, expected: string): number {
  const number = argument === '' ? Number.NaN : Number(argument);
  if (!Number.isSafeInteger(number) || number < least) throw new WrongWord(expected);
  return number;
}

function write(path: string, numbers: Float64Array): number {
  if (path === '') throw new WrongWord('the path of a file is missing');
  writeFileSync(path, new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
  return numbers.length;
}

function answer(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** The answer to a word that failed. What is not the word's own fault is printed for the author, without this file's frames. */
function failure(error: unknown): object {
  const [line, stack = line] =
    error instanceof Error ? [`${error.name}: ${error.message}`, error.stack] : [String(error)];
  if (!(error instanceof WrongWord)) {
    const frames = stack
      .split('\n')
      .filter((frame) => !/node:internal/.test(frame) && !frame.includes(import.meta.url));
    console.error(frames.join('\n'));
  }
  return { error: line.replace(/\s*\n\s*/g, ' ') };
}
