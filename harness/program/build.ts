import { createHash, randomUUID } from 'node:crypto';
import { glob, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join, relative } from 'node:path';
import { execa } from 'execa';
import { cacheFolder } from '../project.ts';
import { availability } from './availability.ts';
import type { Implementation } from './discover.ts';
import { ImplementationFailure } from './implementation-failure.ts';
import { trackProcess } from './live-processes.ts';
import { lastLines } from './stderr-tail.ts';

/** Where a build left its output, and how long it took where it was built just now. */
export interface BuildOutput {
  readonly folder: string;
  readonly nanoseconds?: number;
}

/**
 * Builds an implementation once for each state of its inputs, its build command, the compilers' versions and the processor.
 * Two harnesses may build at once: each builds in a folder of its own, and the first to finish is the one that stays.
 * @throws {ImplementationFailure} where the build fails
 */
export async function buildImplementation(
  implementation: Implementation,
  signal?: AbortSignal,
): Promise<BuildOutput | undefined> {
  const { build } = implementation.manifest;
  if (build === undefined) return undefined;
  const root = cacheFolder('build');
  const folder = join(root, `${implementation.name}-${await buildKey(implementation, build)}`);
  if (await exists(folder)) return { folder };

  const unfinished = `${folder}.${randomUUID()}`;
  await mkdir(unfinished, { recursive: true });
  try {
    const started = process.hrtime.bigint();
    await runBuild(
      implementation,
      build.command.map((word) => word.replaceAll('{output}', unfinished)),
      signal,
    );
    const nanoseconds = Number(process.hrtime.bigint() - started);
    await rename(unfinished, folder).catch(async (error) => {
      if (!(await exists(folder))) throw error;
    });
    return { folder, nanoseconds };
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

async function runBuild(
  implementation: Implementation,
  command: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const [program = '', ...words] = command;
  const building = execa(program, words, {
    cwd: implementation.folder,
    stdin: 'ignore',
    all: true,
    reject: false,
    cleanup: false,
    detached: process.platform !== 'win32',
  });
  const tracked = trackProcess(building.pid);
  const stop = () => tracked.kill();
  signal?.addEventListener('abort', stop);
  try {
    const result = await building;
    signal?.throwIfAborted();
    if (!result.failed) return;
    const how =
      result.exitCode === undefined
        ? `could not be run (${result.code ?? result.signal})`
        : `ended with exit code ${result.exitCode}`;
    throw new ImplementationFailure(
      implementation.folder,
      `its build \`${implementation.manifest.build?.command.join(' ')}\` ${how}`,
      'run that command in the folder and mend what it complains about',
      lastLines(result.all ?? ''),
    );
  } finally {
    signal?.removeEventListener('abort', stop);
    tracked.release();
  }
}

async function buildKey(
  implementation: Implementation,
  build: NonNullable<Implementation['manifest']['build']>,
): Promise<string> {
  const hash = createHash('sha256');
  const present = await availability(implementation);
  hash.update(
    JSON.stringify([
      build.command,
      process.platform,
      process.arch,
      // A compiler may have been asked for this processor's own instructions.
      cpus()[0]?.model,
      present.available ? present.versions : {},
    ]),
  );
  for (const file of await inputFiles(implementation, build.inputs)) {
    const content = await readFile(file);
    hash.update(`${relative(implementation.folder, file)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex').slice(0, 16);
}

/** The files that `inputs` name: files, folders with all they hold, or glob patterns, relative to the implementation's folder. */
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

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
