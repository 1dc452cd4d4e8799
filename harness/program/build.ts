import { createHash, randomUUID } from 'node:crypto';
import { glob, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join, relative } from 'node:path';
import { cacheFolder } from '../project.ts';
import { availability } from './availability.ts';
import type { Implementation } from './discover.ts';
import { type FiniteRun, runToEnd } from './finite-program.ts';
import { ImplementationFailure } from './implementation-failure.ts';

/** Longer than any build here takes on a slow machine; what takes longer hangs. */
const BUILD_TIMEOUT_MILLISECONDS = 600_000;

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
  const built = await runToEnd(command, {
    cwd: implementation.folder,
    timeoutMilliseconds: BUILD_TIMEOUT_MILLISECONDS,
    signal,
  });
  if (built.outcome === 'ended' && built.exitCode === 0) return;
  throw new ImplementationFailure(
    implementation.folder,
    `its build \`${command.join(' ')}\` ${howItEnded(built)}`,
    'run that command in the folder and fix what it reports',
    built.output,
  );
}

function howItEnded(run: FiniteRun): string {
  switch (run.outcome) {
    case 'ended':
      return `ended with exit code ${run.exitCode}`;
    case 'killed':
      return `ended with signal ${run.signal}`;
    case 'too slow':
      return `did not end within ${run.seconds} s`;
    case 'not started':
      return `could not be run (${run.code})`;
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
