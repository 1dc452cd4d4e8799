import { availableParallelism } from 'node:os';
import { isAbsolute } from 'node:path';
import { validRange } from 'semver';
import { z } from 'zod';
import { printableLine } from '../printable.ts';
import { supportsSchema } from './supports.ts';

/** Of the line protocol (`impls/README.md`). */
export const PROTOCOL_VERSION = 2;

const versionRange = z
  .string()
  .refine((text) => validRange(text) !== null, 'expected a range of versions, such as ">=1.5"');

/** For tables and messages. */
function shown(longest: number) {
  return z
    .string()
    .min(1)
    .max(longest)
    .refine((text) => printableLine(text) === text, 'expected one line without control characters');
}

const word = z
  .string()
  .min(1)
  .refine((text) => !text.includes('\0'), 'expected no NUL character');

/** Looked up on the path, so that `list` runs nothing that came with a folder. */
const programName = word.refine(
  (text) => isAbsolute(text) || !/[\\/]/.test(text),
  'expected the name of a program on the path, or an absolute path',
);

const neededLibrarySchema = z.strictObject({
  name: shown(60),
  /** Words for the program: it exits with 0 if the library is there, and prints its version. */
  ask: z.array(word).min(1),
  version: versionRange.optional(),
  hint: shown(200).optional(),
});

export const neededToolSchema = z.strictObject({
  /** A name that is looked up on the path, or an absolute path. A command that begins with it is run from where it was found. */
  program: programName,
  /** Other names of the same program, tried in this order. */
  or: z.array(programName).default([]),
  /** An environment variable that names the program to use instead: `CC`. */
  variable: z.string().min(1).optional(),
  /** In npm's notation: `>=3.9`, `^1.5`. Any version by default. */
  version: versionRange.optional(),
  /** Words that make it print its version. */
  ask: z.array(word).default(['--version']),
  /** If the first program of that name lacks one, the next on the path is tried. */
  libraries: z.array(neededLibrarySchema).default([]),
  /** How to get it, shown if it is missing or too old. */
  hint: shown(200).optional(),
});

/** `impl.json`: one implementation. Paths are relative to its folder. */
export const manifestSchema = z.strictObject({
  protocol: z.literal(PROTOCOL_VERSION, {
    error: ({ input }) =>
      input === 1
        ? 'got 1; expected 2; answer `reset S` (impls/README.md says how), print {"ready":2}, and write "protocol": 2'
        : `expected ${PROTOCOL_VERSION}`,
  }),
  language: shown(40),
  /** The one idea, in a few words: "tape-free, matrix level". */
  technique: shown(60),
  precision: z.enum(['float32', 'float64']),
  /** How many it computes on, or `cores` for as many as the machine has. */
  threads: z.union([z.number().int().min(1), z.literal('cores')]).default(1),
  /** From slow to fast: where the row stands in tables. */
  order: z.number().int(),
  roles: z
    .never({ error: 'roles are given in impls/roles.json of the project; an implementation cannot claim one' })
    .optional(),
  /** Sizes that it trains, all by default. It must train a task inside them, and may decline one outside. */
  supports: supportsSchema.optional(),
  /** If something is missing or too old the row is skipped and says so. */
  needs: z.array(neededToolSchema).default([]),
  run: z.union([
    /** A TypeScript module whose default export is a `CreateTrainer`. */
    z.strictObject({ module: word }),
    /** Any program that speaks the protocol. Run without a shell, in the implementation's folder. */
    z.strictObject({ command: z.array(word).min(1) }),
  ]),
  /** Runs before the first use, and again when one of `inputs` changes. `{output}` stands for the build folder. */
  build: z
    .strictObject({
      command: z.array(word).min(1),
      inputs: z.array(word).min(1),
      /** Words that not every compiler takes, such as `-march=native`. A build that fails is run again without them. */
      optional: z.array(word).default([]),
    })
    .refine(({ command, optional }) => optional.every((one) => command.slice(1).includes(one)), {
      path: ['optional'],
      error: 'expected words of build.command',
    })
    .optional(),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type NeededTool = z.infer<typeof neededToolSchema>;
export type NeededLibrary = z.infer<typeof neededLibrarySchema>;
export function threadsHere({ threads }: Pick<Manifest, 'threads'>): number {
  return threads === 'cores' ? availableParallelism() : threads;
}

export type Precision = Manifest['precision'];
