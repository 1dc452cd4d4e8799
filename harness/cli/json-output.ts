import { type OutputTarget, outputTarget, writeOutput } from '../output-target.ts';

/**
 * Looks whether `--json FILE` can be written, before anything is trained.
 * @throws {UsageError} where it cannot
 */
export async function checkJsonTarget(target: string | undefined): Promise<readonly OutputTarget[]> {
  return target === undefined ? [] : [await outputTarget(`--json ${target}`, target)];
}

/** Writes a document to a file, whole or not at all, or to standard output. */
export async function writeJson(target: string, document: unknown): Promise<void> {
  await writeOutput(await outputTarget(`--json ${target}`, target), `${JSON.stringify(document, null, 2)}\n`);
}
