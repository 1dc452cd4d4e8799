import { z } from 'zod';
import { printableLine } from '../printable.ts';
import { displayPath } from '../project.ts';
import { messageOf, parseJson, readRegularFile } from '../regular-file.ts';
import { UsageError } from '../usage-error.ts';
import { SCHEMA_VERSION } from './schema.ts';

/** A results file has a few kilobytes a row. */
const LARGEST_FILE_BYTES = 64 * 2 ** 20;

/**
 * Reads a JSON file of this tool. @throws UsageError, in one line, if it is missing, not JSON, of another version, or not what
 * `schema` says
 */
export async function readJsonFile<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const bytes = await readRegularFile(path, LARGEST_FILE_BYTES).catch((error) => {
    throw new UsageError(`${displayPath(path)}: ${messageOf(error)}; expected a results file`);
  });
  return parseStored(bytes.toString('utf8'), schema, displayPath(path));
}

/** `where` names it in errors. @throws UsageError as {@link readJsonFile} */
export function parseStored<T>(text: string, schema: z.ZodType<T>, where: string): T {
  const parse = <U>(as: z.ZodType<U>, advice: string): U => {
    try {
      return parseJson(text, as, printable);
    } catch (error) {
      throw new UsageError(`${where}: ${messageOf(error)}; ${advice}`);
    }
  };
  const version = versionOf(parse(z.unknown(), 'measure again and keep the new file'));
  if (version !== SCHEMA_VERSION) {
    throw new UsageError(
      `${where}: expected schemaVersion ${SCHEMA_VERSION}, found ${version ?? 'none'}; measure again with this version`,
    );
  }
  return parse(schema, 'this is not a results file');
}

/** The file may be anybody's, and its texts go to a terminal. */
function printable(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? printableLine(value, Number.POSITIVE_INFINITY) : value;
}

function versionOf(json: unknown): number | string | undefined {
  if (typeof json !== 'object' || json === null || !('schemaVersion' in json)) return undefined;
  const { schemaVersion } = json;
  return typeof schemaVersion === 'number' ? schemaVersion : JSON.stringify(schemaVersion)?.slice(0, 40);
}
