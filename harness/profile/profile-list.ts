import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Implementation } from '../program/discover.ts';
import { displayPath } from '../project.ts';
import { messageOf, parseJson } from '../regular-file.ts';
import { UsageError } from '../usage-error.ts';

export const EVERYTHING_ELSE = 'everything else';

/** As a profiler names it. `file` is empty for code that was compiled, or made while running. */
export interface ProfiledFunction {
  readonly file: string;
  readonly name: string;
}

const patternSchema = z
  .string()
  .regex(
    /[^*:]/,
    'expected a pattern that names something: `function`, `file.ts:*` or `file.ts:function`, where * stands for anything',
  );

const listSchema = z.strictObject({
  /** Functions by operation, in the order of the table: the first pattern that fits decides. */
  operations: z
    .record(z.string().min(1), z.array(patternSchema).min(1))
    .refine(
      (operations) => !(EVERYTHING_ELSE in operations),
      `expected no operation "${EVERYTHING_ELSE}": it is what is left`,
    ),
  /** Functions outside a step, such as printing the losses. */
  outside: z.array(patternSchema).default([]),
  /** Added to the build command, so that functions keep their names: `-fno-inline-functions`. */
  buildWords: z.array(z.string().min(1)).default([]),
});

/** A folder's `profile.json`: which of its functions belong to which operation. */
export type ProfileList = z.infer<typeof listSchema>;

/** Without operations if the folder has no list: then the profile names the functions to put into one. @throws {UsageError} if the list is wrong */
export async function readProfileList(implementation: Implementation): Promise<ProfileList> {
  const file = join(implementation.folder, 'profile.json');
  const where = displayPath(file);
  try {
    const text = existsSync(file) ? await readFile(file, 'utf8') : '{"operations":{}}';
    return parseJson(text, listSchema);
  } catch (error) {
    throw new UsageError(`${where}: ${messageOf(error)}; expected {"operations":{"attention":["attention.ts:*"]}}`);
  }
}

export function operationFinder({ operations }: ProfileList): (found: ProfiledFunction) => string | undefined {
  const rules = Object.entries(operations).flatMap(([operation, patterns]) =>
    patterns.map((pattern) => ({ operation, fits: matcher(pattern) })),
  );
  return (found) => rules.find(({ fits }) => fits(found))?.operation;
}

export function outsideFinder({ outside }: ProfileList): (found: ProfiledFunction) => boolean {
  const rules = outside.map(matcher);
  return (found) => rules.some((fits) => fits(found));
}

/** `function` without a file matches a function without a file. */
function matcher(pattern: string): (found: ProfiledFunction) => boolean {
  const colon = pattern.indexOf(':');
  const [file, name] = [wildcards(pattern.slice(0, Math.max(colon, 0))), wildcards(pattern.slice(colon + 1))];
  return (found) => file.test(found.file) && name.test(found.name);
}

function wildcards(text: string): RegExp {
  return new RegExp(`^${text.split('*').map(RegExp.escape).join('.*')}$`);
}
