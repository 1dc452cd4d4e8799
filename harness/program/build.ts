import { createHash, randomUUID } from 'node:crypto';
import { glob, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { cacheFolder } from '../project.ts';
import { succeeds } from '../regular-file.ts';
import { describeSystemError } from '../system-error.ts';
import { availability, locateCommand } from './availability.ts';
import type { Implementation } from './discover.ts';
import { runToEnd } from './finite-program.ts';
import { markUsed } from './forget-unused.ts';
import { ImplementationFailure } from './implementation-failure.ts';
import { removeAfterUs } from './live-processes.ts';

/** A build that takes longer hangs. */
const BUILD_TIMEOUT_MILLISECONDS = 600_000;

/** `nanoseconds` is undefined if nothing was built just now. */
interface BuildOutput {
  readonly folder: string;
  readonly nanoseconds?: number;
}

/**
 * Builds an implementation once for each state of its inputs, command, compilers and processor. Two harnesses may build at
 * once, each in a folder of its own; the first to finish stays.
 * @throws {ImplementationFailure} if the build fails
 */
export async function buildImplementation(
  implementation: Implementation,
  signal?: AbortSignal,
  onBuild?: (program: string) => void,
): Promise<BuildOutput | undefined> {
  const { build } = implementation.manifest;
  if (build === undefined) return undefined;
  const folder = await buildFolder(implementation, build);
  const state = await stateOf(folder);
  if (state === 'whole') {
    await markUsed(folder);
    return { folder };
  }
  const unfinished = `${folder}.${randomUUID()}`;
  removeAfterUs(unfinished);
  try {
    if (state === 'damaged') await rm(folder, { recursive: true, force: true });
    await mkdir(unfinished, { recursive: true });
    onBuild?.(build.command[0] ?? '');
    const started = process.hrtime.bigint();
    const command = await runBuild(implementation, build, { unfinished, folder }, signal);
    const nanoseconds = Number(process.hrtime.bigint() - started);
    await seal(implementation, unfinished, command);
    await rename(unfinished, folder).catch(async (error) => {
      if ((await stateOf(folder)) !== 'whole') throw error;
    });
    return { folder, nanoseconds };
  } catch (error) {
    const full = describeSystemError(error);
    if (full === undefined) throw error;
    throw new ImplementationFailure(implementation.folder, 'there is no place for its build', full);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** The words that built what is there, without those that the compiler refused. Undefined if nothing was built. */
export async function builtCommand(implementation: Implementation): Promise<readonly string[] | undefined> {
  const { build } = implementation.manifest;
  if (build === undefined) return undefined;
  return (await readSeal(await buildFolder(implementation, build)).catch(() => undefined))?.command;
}

type Build = NonNullable<Implementation['manifest']['build']>;

/** Returns the words that built it. @throws {ImplementationFailure} if it fails without the optional words too */
async function runBuild(
  implementation: Implementation,
  { command, optional }: Pick<Build, 'command' | 'optional'>,
  output: { readonly unfinished: string; readonly folder: string },
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const words = command.map((word) => word.replaceAll('{output}', output.unfinished));
  const located = await locateCommand(implementation, words);
  const built = await runToEnd(located, {
    cwd: implementation.folder,
    timeoutMilliseconds: BUILD_TIMEOUT_MILLISECONDS,
    signal,
  });
  if (built.exitCode === 0) return command;
  if (built.exitCode !== undefined && optional.length > 0) {
    const bare = command.filter((word) => !optional.includes(word));
    return runBuild(implementation, { command: bare, optional: [] }, output, signal);
  }
  // The unfinished folder goes; the shown command names the one that stays, so that it can be run.
  const shown = (text: string) => text.replaceAll(output.unfinished, output.folder);
  await mkdir(output.folder, { recursive: true });
  throw new ImplementationFailure(
    implementation.folder,
    `its build \`${shown(located.join(' '))}\` ${built.how}`,
    'run that command in the folder and fix what it reports',
    shown(built.output),
  );
}

async function buildFolder(implementation: Implementation, build: Build): Promise<string> {
  const hash = createHash('sha256');
  const present = await availability(implementation);
  hash.update(
    JSON.stringify([
      await locateCommand(implementation, build.command),
      process.platform,
      process.arch,
      // A compiler may have been asked for this processor's own instructions.
      cpus()[0]?.model,
      present.available ? present.versions : {},
    ]),
  );
  for (const file of await inputFiles(implementation, build.inputs)) {
    const path = relative(implementation.folder, file);
    const content = await readFile(file).catch((error: NodeJS.ErrnoException) => {
      throw new ImplementationFailure(
        implementation.folder,
        `${path}, an input of its build, cannot be read (${error.code})`,
        'give this user the right to it',
      );
    });
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return join(cacheFolder('build'), `${implementation.name}-${hash.digest('hex').slice(0, 16)}`);
}

/** Files, folders with all they hold, or glob patterns, relative to the implementation's folder. */
async function inputFiles(implementation: Implementation, inputs: readonly string[]): Promise<readonly string[]> {
  const files = new Set<string>();
  for (const input of inputs) {
    let matched = false;
    for await (const path of glob([input, `${input}/**`], { cwd: implementation.folder })) {
      const file = join(implementation.folder, path);
      matched = true;
      if ((await stat(file)).isFile()) files.add(file);
    }
    if (!matched) {
      throw new ImplementationFailure(
        implementation.folder,
        `impl.json names "${input}" among the inputs of the build, and there is no such file`,
        'correct the field "build.inputs"',
      );
    }
  }
  return [...files].sort();
}

const SEAL = '.sealed.json';
const sealSchema = z.strictObject({
  command: z.array(z.string()).min(1),
  /** Hash of each file that the run needs. */
  files: z.record(z.string(), z.string()),
});

async function readSeal(output: string): Promise<z.infer<typeof sealSchema>> {
  return sealSchema.parse(JSON.parse(await readFile(join(output, SEAL), 'utf8')));
}

/**
 * Notes the hash of every file that the run needs, so that a later use sees a change. @throws {ImplementationFailure} if the
 * build made no such file
 */
async function seal(
  { name, folder, manifest }: Implementation,
  output: string,
  command: readonly string[],
): Promise<void> {
  const files: Record<string, string> = {};
  for (const word of 'command' in manifest.run ? manifest.run.command : []) {
    if (!word.startsWith('{output}/')) continue;
    const file = word.slice('{output}/'.length);
    const hash = await fileHash(join(output, file));
    if (hash === undefined) {
      throw new ImplementationFailure(
        folder,
        `the build of ${name} ended well but left no file ${word}`,
        'correct the field "build.command" or "run.command" in impl.json',
      );
    }
    files[file] = hash;
  }
  await writeFile(join(output, SEAL), JSON.stringify({ command, files }));
}

async function stateOf(output: string): Promise<'missing' | 'damaged' | 'whole'> {
  if (!(await succeeds(stat(output)))) return 'missing';
  try {
    const { files } = await readSeal(output);
    for (const [file, hash] of Object.entries(files)) {
      if ((await fileHash(join(output, file))) !== hash) return 'damaged';
    }
    return 'whole';
  } catch {
    return 'damaged';
  }
}

/** Of the file, or on Windows of the `.exe` that a compiler made. */
async function fileHash(path: string): Promise<string | undefined> {
  const content = await readFile(path).catch(() =>
    process.platform === 'win32' ? readFile(`${path}.exe`).catch(() => undefined) : undefined,
  );
  return content === undefined ? undefined : createHash('sha256').update(content).digest('hex');
}
