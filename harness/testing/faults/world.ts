import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect } from 'vitest';
import { PROTOCOL_VERSION } from '../../program/manifest.ts';
import { implementationsRoot, projectRoot } from '../../project.ts';

/** How the tool ended, and what it printed. */
export interface Ending {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** What differs from a plain run in the world's folder. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A file that takes standard output. */
  readonly stdoutFile?: string;
  /** Deletes the working folder before the tool starts in it. */
  readonly deleteCwd?: true;
  /** A copy of the project to run instead of this one. */
  readonly project?: string;
  /** As a user who may not read everything: root can. */
  readonly unprivileged?: true;
}

const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

export type Manifest = Readonly<Record<string, unknown>>;

/** The manifest of a right row, hosted from the implementation that the project ships. */
export const rightManifest: Manifest = {
  protocol: PROTOCOL_VERSION,
  language: 'TypeScript',
  technique: 'right',
  precision: 'float64',
  order: 900,
  run: { module: join(implementationsRoot, 'analytic', 'analytic.ts') },
};

/** A row that runs a program with words of its own. */
export const programManifest = (...command: readonly string[]): Manifest => ({
  ...rightManifest,
  technique: 'planted',
  order: 800,
  run: { command },
});

/** A row that trains rightly and misbehaves in one way. */
export const waywardManifest = (fault: string): Manifest =>
  programManifest(process.execPath, join(import.meta.dirname, 'wayward-row.ts'), fault);

/** Names that well-known tools keep their tokens in. */
export const plantedSecrets: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'GITHUB_TOKEN',
    'NPM_TOKEN',
    'NODE_AUTH_TOKEN',
    'AWS_SECRET_ACCESS_KEY',
    'CARGO_REGISTRY_TOKEN',
    'OPENAI_API_KEY',
  ].map((name) => [name, 'planted-secret']),
);

/** Folders of its own for one fault, and the tool in it. Everything the tool starts has the world's temporary folder in its environment. */
export class World {
  readonly folder: string;
  readonly #running = new Set<{ kill(signal: 'SIGKILL'): boolean }>();

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<World> {
    const world = new World(await realpath(await mkdtemp(join(tmpdir(), 'microgpt world '))));
    for (const folder of [world.impls, world.temporary, world.results]) await mkdir(folder);
    return world;
  }

  get impls(): string {
    return this.path('impls');
  }

  get temporary(): string {
    return this.path('temporary');
  }

  get results(): string {
    return this.path('results');
  }

  path(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  /** Puts a row into the world's folder of implementations; a text is written as it stands. */
  async plant(name: string, manifest: Manifest | string | Uint8Array): Promise<string> {
    const folder = join(this.impls, name);
    await mkdir(folder, { recursive: true });
    const isRaw = typeof manifest === 'string' || manifest instanceof Uint8Array;
    await writeFile(join(folder, 'impl.json'), isRaw ? manifest : JSON.stringify(manifest));
    return folder;
  }

  /** A copy of the project, for faults of its own files and caches. In it is what a right TypeScript row needs, and a reference. */
  async copyProject(): Promise<string> {
    const copy = this.path('project');
    for (const part of [
      'harness',
      'reference',
      'results',
      'package.json',
      'tsconfig.json',
      join('impls', 'analytic'),
      join('impls', 'scalar-autograd'),
    ]) {
      await cp(join(projectRoot, part), join(copy, part), {
        recursive: true,
        filter: (path) =>
          !/(^|[\\/])(node_modules|\.cache|target|testing)([\\/]|$)|history\.ndjson$|\.test\.ts$/.test(
            path.slice(projectRoot.length),
          ),
      });
    }
    for (const name of await readdir(implementationsRoot)) {
      if (/\.(ts|json)$/.test(name)) await cp(join(implementationsRoot, name), join(copy, 'impls', name));
    }
    await symlink(join(projectRoot, 'node_modules'), join(copy, 'node_modules'), 'junction');
    return copy;
  }

  /** Starts the tool: `start('check', 'row')`. */
  start(words: readonly string[], options: RunOptions = {}) {
    const tool = [process.execPath, join(options.project ?? projectRoot, 'harness', 'cli', 'main.ts'), ...words];
    const before = [
      ...(options.deleteCwd ? ['rmdir "$PWD"'] : []),
      options.stdoutFile === undefined ? 'exec "$@"' : `exec "$@" >${options.stdoutFile}`,
    ];
    const needsShell = options.deleteCwd !== undefined || options.stdoutFile !== undefined;
    const [program = '', ...rest] = needsShell ? ['sh', '-c', before.join(' && '), 'sh', ...tool] : tool;
    const running = execa(program, rest, {
      reject: false,
      cwd: options.cwd ?? this.folder,
      stdin: 'ignore',
      timeout: 200_000,
      killSignal: 'SIGKILL',
      // Little memory, so that a flood is not kept whole.
      env: { NO_COLOR: '1', TMPDIR: this.temporary, NODE_OPTIONS: '--max-old-space-size=128', ...options.env },
      ...(options.unprivileged ? NOBODY : {}),
    });
    this.#running.add(running);
    return running;
  }

  /** Runs the tool to its end and checks what must hold however it ends. */
  async run(words: readonly string[], options: RunOptions = {}): Promise<Ending> {
    const { exitCode, stdout, stderr, timedOut } = await this.start(words, options);
    const ending = { exitCode, stdout: String(stdout ?? ''), stderr: String(stderr ?? '') };
    expect(timedOut, `it hangs\n${ending.stderr}`).toBe(false);
    expectPlain(ending);
    return ending;
  }

  /** What must hold when the tool has ended: nothing runs, nothing temporary lies about, what was kept can be read. */
  async expectClean(): Promise<void> {
    await expect
      .poll(() => processesOf(this.temporary), { timeout: 60_000, message: 'a process was left' })
      .toEqual([]);
    expect(await readdir(this.temporary).catch(() => []), 'temporary files were left').toEqual([]);
    for (const name of await readdir(this.results).catch(() => [])) {
      if (/\.json$/.test(name)) JSON.parse(await readFile(join(this.results, name), 'utf8'));
      else expect(name).toMatch(/^(history\.ndjson|\.gitignore)$/);
    }
  }

  /** After a kill outright: the watchdog ends what goes on, and removes the temporary files. */
  async expectEnded(): Promise<void> {
    const left = async () => [...processesOf(this.temporary), ...(await readdir(this.temporary))];
    await expect.poll(left, { timeout: 60_000, message: 'a process or a file was left' }).toEqual([]);
  }

  /** Has an attempt made while a file or a folder is closed, and the world's own folders are open to everybody. */
  async whileClosed<T>(path: string, mode: number, attempt: () => Promise<T>): Promise<T> {
    for (const folder of [this.folder, this.temporary, this.results]) await chmod(folder, 0o777);
    await chmod(path, mode);
    try {
      return await attempt();
    } finally {
      await chmod(path, 0o700);
    }
  }

  async destroy(): Promise<void> {
    for (const running of this.#running) running.kill('SIGKILL');
    for (const pid of processesOf(this.temporary)) process.kill(pid, 'SIGKILL');
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** No stack trace of ours, no control character, no line that a CI service would obey. */
export function expectPlain({ stdout, stderr }: Pick<Ending, 'stdout' | 'stderr'>): void {
  for (const text of [stdout, stderr]) {
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(text).not.toMatch(/^::/m);
    expect(text).not.toMatch(/harness\/(?!testing)[\w/-]+\.ts:\d+:\d+/);
  }
  expect(stderr).not.toMatch(/node:internal/);
}

/** A file system with next to no room, or as the options say, at a path. Throws where this user may not mount one. */
export function mountTiny(path: string, options = 'size=8k,nr_inodes=8'): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'ignore' });
}

/** Whether {@link mountTiny} works here: not in every container, even as root. */
export function canMountTiny(): boolean {
  if (process.platform !== 'linux') return false;
  const path = mkdtempSync(join(tmpdir(), 'microgpt mount '));
  try {
    mountTiny(path);
    execFileSync('umount', [path]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(path, { recursive: true });
  }
}

/** Whether the project can be run as a user who may not read everything: not if it lies where only root may go. */
export function canRunUnprivileged(): boolean {
  if (process.platform === 'win32') return false;
  const script = `require('node:fs').readFileSync(${JSON.stringify(join(projectRoot, 'package.json'))})`;
  return spawnSync(process.execPath, ['-e', script], { ...NOBODY, stdio: 'ignore' }).status === 0;
}

/** Ids of the processes that have a text in their environment, from /proc. */
export function processesOf(text: string): readonly number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => {
      try {
        return readFileSync(`/proc/${entry}/environ`, 'utf8').includes(text);
      } catch {
        return false;
      }
    })
    .map(Number);
}
