import { isDeepStrictEqual } from 'node:util';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { suggestion } from '../nearest-name.ts';
import { type OutputTarget, outputTarget, writeOutput } from '../output-target.ts';
import { type SortOrder, sortOrders } from '../present/bench-table.ts';
import { exportFormats } from '../present/export/export.ts';
import { type RuntimeName, runtimeNames } from '../program/runtime.ts';
import { displayPath, resultsFolder } from '../project.ts';
import { isPresetName, presets, type Sizes, taskDefaults } from '../task/presets.ts';
import type { TaskRequest } from '../task/task.ts';
import { UsageError } from '../usage-error.ts';

const wholeNumber = z
  .string()
  .regex(/^[+-]?\d+$/, 'a whole number')
  .transform(Number)
  .refine(Number.isSafeInteger, 'a whole number that fits into 53 bits');
const number = z
  .string()
  .regex(/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i, 'a number')
  .transform(Number)
  .refine(Number.isFinite, 'a finite number');

/** Commander's parser of a flag, from a schema whose messages say what is expected. */
function parsedBy<T>(schema: z.ZodType<T, string>): (text: string) => T {
  return (text) => {
    const parsed = schema.safeParse(text);
    if (parsed.success) return parsed.data;
    throw new InvalidArgumentError(`Expected ${parsed.error.issues[0]?.message}.`);
  };
}

export const wholeNumberFrom = (least: number): ((text: string) => number) =>
  parsedBy(wholeNumber.refine((value) => value >= least, `a whole number of at least ${least}`));

export const positiveNumber: (text: string) => number = parsedBy(
  number.refine((value) => value > 0, 'a number above 0'),
);

/** As commander names them. */
export const sizeFlags = ['preset', 'nEmbd', 'nHead', 'nLayer', 'blockSize', 'batch'] as const;

/** What commander makes of the task flags. */
export type TaskFlags = Partial<Sizes> &
  Omit<TaskRequest, keyof Sizes | 'preset'> & {
    readonly preset?: string;
  };

export function addTaskFlags(command: Command): Command {
  const size = wholeNumberFrom(1);
  return command
    .option(
      '--preset <name>',
      `sizes of the model: ${Object.keys(presets).join(', ')} (default: ${taskDefaults.preset})`,
    )
    .option('--n-embd <n>', 'width of the model, divisible by --n-head', size)
    .option('--n-head <n>', 'attention heads', size)
    .option('--n-layer <n>', 'layers', size)
    .option('--block-size <n>', 'longest context, in positions', size)
    .option('--batch <n>', 'documents per step', size)
    .option('--seed <n>', 'seed of every random draw', parsedBy(wholeNumber), taskDefaults.seed)
    .option('--num-steps <n>', 'length of the learning-rate schedule', size, taskDefaults.numSteps)
    .option('--learning-rate <x>', 'at the first step', positiveNumber, taskDefaults.learningRate)
    .option(
      '--dataset <name|file>',
      'us-names-2016, names, or a text file with one document a line',
      taskDefaults.dataset,
    );
}

/** The task that the flags ask for: the preset's sizes, each overridden by its own flag. @throws {UsageError} for an unknown preset */
export function taskRequest(flags: TaskFlags): TaskRequest {
  const name = flags.preset ?? taskDefaults.preset;
  if (!isPresetName(name)) throw new UsageError(`unknown preset "${name}"${suggestion(name, Object.keys(presets))}`);
  const base = presets[name];
  const { nEmbd = base.nEmbd, nHead = base.nHead, nLayer = base.nLayer } = flags;
  const { blockSize = base.blockSize, batch = base.batch } = flags;
  const sizes = { nEmbd, nHead, nLayer, blockSize, batch };
  // The preset with these sizes, however they were asked for.
  const preset = Object.entries(presets).find(([, known]) => isDeepStrictEqual(known, sizes))?.[0];
  const { seed, numSteps, learningRate, dataset } = flags;
  return { preset, ...sizes, seed, numSteps, learningRate, dataset };
}

/** For an option that may be repeated. */
export function collect(value: string, values: readonly string[]): readonly string[] {
  return [...values, value];
}

export const implementationsOption = (): Option =>
  new Option('--impls <folder>', 'add the implementations of this folder; may be repeated')
    .argParser(collect)
    .default([], 'none');

/** Typed in seconds, handed over in milliseconds. */
export const timeoutOption = (): Option =>
  new Option(
    '--timeout <seconds>',
    'how long a program may stay silent beyond the time its work needs (default: 30)',
  ).argParser((text) => 1000 * positiveNumber(text));

export const resultsOption = (purpose = 'where results and the history are kept'): Option =>
  new Option('--results <folder>', purpose).default(resultsFolder, displayPath(resultsFolder));

export const sortOption = (): Option =>
  new Option('--sort <order>', 'order of the rows').choices([...sortOrders]).default('ladder' satisfies SortOrder);

export const exportOption = (): Option =>
  new Option(
    '--export <format=file>',
    `write the table to a file too, or with - to standard output; may be repeated; formats: ${exportFormats.join(', ')}`,
  )
    .argParser(collect)
    .default([], 'none');

export const jsonOption = (): Option =>
  new Option('--json <file|->', 'write the results as JSON; with - to standard output, and nothing else there');

export const runtimeOption = (): Option =>
  new Option(
    '--runtime <names>',
    `what hosts the TypeScript implementations, one row each: ${runtimeNames.join(',')} (default: the pinned node)`,
  ).argParser((text): readonly RuntimeName[] => {
    const named = (word: string) => {
      const found = runtimeNames.find((name) => name === word.trim());
      if (found === undefined) throw new UsageError(`unknown runtime "${word}"${suggestion(word, runtimeNames)}`);
      return found;
    };
    return [...new Set(text.split(',').map(named))];
  });

/** Where `--json` writes, if it was given: whole or not at all. @throws {UsageError} if that cannot be, before anything is trained */
export async function jsonOutput(path: string | undefined): Promise<JsonOutput> {
  const target = path === undefined ? undefined : await outputTarget(`--json ${path}`, path);
  return {
    targets: target === undefined ? [] : [target],
    stream: path === '-' ? process.stderr : process.stdout,
    write: async (document) => target && writeOutput(target, `${JSON.stringify(document, null, 2)}\n`),
  };
}

export interface JsonOutput {
  readonly targets: readonly OutputTarget[];
  /** For what a person reads: JSON has standard output for itself. */
  readonly stream: NodeJS.WriteStream;
  readonly write: (document: unknown) => Promise<void>;
}
