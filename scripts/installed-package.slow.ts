import { access, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { projectRoot } from '../harness/project.ts';
import { benchResultSchema } from '../harness/results/schema.ts';

/** A user's project: an empty folder with a space in its path, outside any repository. */
let folder: string;
let tarball: string;
let installedBytes: number;
const dist = join(projectRoot, 'dist');

beforeAll(async () => {
  folder = join(await realpath(await mkdtemp(join(tmpdir(), 'microgpt-bench-'))), 'my rows');
  await mkdir(folder);
  await execa('npm', ['run', 'package'], { cwd: projectRoot });
  const packed = await execa('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: dist });
  tarball = packed.stdout.trim().split('\n').at(-1) ?? '';
  await writeFile(join(folder, 'package.json'), '{"name": "my-rows", "private": true, "type": "module"}');
  await execa('npm', ['install', '--no-audit', '--no-fund', '--save-dev', `./${tarball}`], { cwd: folder });
  installedBytes = await bytesOf(folder);
}, 300_000);
afterAll(() => rm(join(folder, '..'), { recursive: true, force: true }));

/** Size as `du` counts it: whole blocks, each file once. The tarball does not count. */
async function bytesOf(path: string): Promise<number> {
  const { stdout } = await execa('du', ['-sk', '--exclude=*.tgz', path]);
  return Number.parseInt(stdout, 10) * 1024;
}

/** Whatever it prints names no script of npm, for there is none here. */
async function npx(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const ended = await execa('npx', ['--no-install', 'microgpt-bench', ...words], {
    ...{ cwd: folder, reject: false, env: { NO_COLOR: '1', ...env } },
  });
  expect(ended.stdout + ended.stderr).not.toMatch(/npm run/);
  return ended;
}

describe('the package, installed in an empty folder', () => {
  it('lists its rows, all of which say what they need', async () => {
    const { stdout, stderr, exitCode } = await npx(['list']);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/wasm-simd/);
    expect(exitCode).toBe(0);
  });

  it('verifies rows hosted from compiled JavaScript and from built programs', { timeout: 300_000 }, async () => {
    const { stdout, exitCode } = await npx(['check', '--steps', '20', 'scalar-autograd', 'analytic', 'wasm-simd', 'c']);
    expect(stdout).toMatch(/✔ analytic/);
    expect(exitCode).toBe(0);
  });

  it('scaffolds a row in ./impls, which is checked and timed', { timeout: 300_000 }, async () => {
    const { stdout } = await npx(['new', 'my-row']);
    expect(stdout).toMatch(/next: npx microgpt-bench check my-row --impls impls/);
    const readme = await readFile(join(folder, 'impls', 'my-row', 'README.md'), 'utf8');
    expect(readme).toMatch(/^npx microgpt-bench check my-row --impls impls$/m);
    expect((await npx(['check', 'my-row', '--impls', 'impls', '--steps', '20'])).exitCode).toBe(0);
    const bench = await npx(['bench', 'analytic', 'my-row', '--impls', 'impls', '--quick', '--json', 'out.json']);
    expect(bench.stderr).not.toMatch(/^\s+at /m);
    expect(bench.exitCode).toBe(0);
    const result = benchResultSchema.parse(JSON.parse(await readFile(join(folder, 'out.json'), 'utf8')));
    expect(result.rows.map(({ status }) => status)).toEqual(['verified', 'verified']);
  });

  it('keeps caches and results in the folder one works in, and writes nothing into node_modules', async () => {
    await access(join(folder, '.cache', 'microgpt-bench'));
    expect((await readdir(join(folder, 'results'))).some((name) => name.endsWith('.json'))).toBe(true);
    const installed = join(folder, 'node_modules', 'microgpt-bench');
    expect((await readdir(installed)).toSorted()).toEqual((await readdir(dist)).toSorted());
  });

  it('names commands as they are typed here, in help and in advice', async () => {
    expect((await npx(['bench', '--help'])).stdout).toMatch(/^Usage: npx microgpt-bench bench \[options\]/);
    expect((await npx(['show', '--results', 'nothing'])).stderr).toMatch(/`npx microgpt-bench bench` saves one/);
    const names = await npx(['check', 'analytic', '--dataset', 'names']);
    expect(names.stderr).toMatch(/; give its path to --dataset\.$/);
  });

  it('says in one line what compare needs', async () => {
    const { stderr, exitCode } = await npx(['compare', '--base', 'main']);
    expect(stderr).toMatch(/^error: compare: got an installed package; expected a checkout/);
    expect(exitCode).toBe(2);
  });

  it('ends with the exit code of bad usage, in one line, for a wrong flag', async () => {
    const { stderr, exitCode } = await npx(['bench', '--no-such-flag']);
    expect(stderr).toMatch(/^error: unknown option[^\n]*$/);
    expect(exitCode).toBe(2);
  });
});

describe('the size', () => {
  const megabyte = 2 ** 20;

  it('is below 20 MB as it is installed, on a Node of the machine’s own', () => {
    expect(installedBytes / megabyte).toBeLessThan(20);
  });

  it('is below 180 MB with the pinned Node, which is fetched once and runs', { timeout: 300_000 }, async () => {
    const cache = join(folder, '..', 'user cache');
    const module = pathToFileURL(join(folder, 'node_modules', 'microgpt-bench', 'bin', 'pinned-node.mjs')).href;
    const fetching = `import { fetchNode, keptNode } from '${module}'; fetchNode(); console.log(keptNode());`;
    const { stdout } = await execa('node', ['--input-type=module', '--eval', fetching], {
      env: { XDG_CACHE_HOME: cache },
    });
    const pinned = JSON.parse(await readFile(join(dist, 'pinned-node.json'), 'utf8'));
    const [{ version }] = z.array(z.object({ version: z.string() })).parse(pinned);
    expect((await execa(stdout, ['--version'])).stdout).toBe(`v${version}`);
    expect((installedBytes + (await bytesOf(cache))) / megabyte).toBeLessThan(180);
  });
});

describe('on a Node that is not the pinned one, where no registry answers', () => {
  const saysItIs = (node: string) =>
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${node}' } })`;
  const env = (node = '24.9.0') => ({
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(saysItIs(node))}`,
    npm_config_registry: 'http://127.0.0.1:1',
    npm_config_cache: join(folder, '..', 'empty npm cache'),
    XDG_CACHE_HOME: join(folder, '..', 'empty cache'),
  });

  it('says in one sentence that the pinned Node cannot be fetched, and how to do without', {
    timeout: 120_000,
  }, async () => {
    const { stderr, exitCode } = await npx(['check', 'analytic'], env());
    expect(stderr).toMatch(
      /\nerror: Node \S+ cannot be fetched \([^\n]*ECONNREFUSED[^\n]*\); add --runtime node to run on this Node 24\.9\.0$/,
    );
    expect(exitCode).toBe(2);
  });

  it('runs rows on the Node that --runtime asks for, and names them after it', { timeout: 120_000 }, async () => {
    const { stdout, stderr } = await npx(['check', 'analytic', '--steps', '5', '--runtime', 'node'], env());
    expect(stderr).toBe('');
    expect(stdout).toMatch(/✔ analytic {2}on node {2}verified/);
  });

  it('refuses --runtime node where that Node is too old, and does not run another under its name', async () => {
    for (const words of [['--runtime', 'node'], ['--runtime=bun,node']]) {
      const { stderr, stdout, exitCode } = await npx(['check', 'analytic', '--steps', '5', ...words], env('22.1.0'));
      expect(stderr).toMatch(/^error: --runtime node: got Node 22\.1\.0; expected 24 or newer; leave it out [^\n]*$/);
      expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
    }
  });

  it('fetches nothing for a command that runs no row', async () => {
    expect(await npx(['list'], env())).toMatchObject({ stderr: '', exitCode: 0 });
  });
});

describe('a machine without git', () => {
  it('times a row all the same', { timeout: 120_000 }, async () => {
    const programs = join(folder, '..', 'programs');
    await mkdir(programs);
    await symlink(process.execPath, join(programs, 'node'));
    const program = join(folder, 'node_modules', 'microgpt-bench', 'bin', 'microgpt-bench.mjs');
    const words = [program, 'bench', 'analytic', '--quick', '--no-save'];
    const { stdout, exitCode } = await execa(process.execPath, words, {
      ...{ cwd: folder, reject: false, extendEnv: false, env: { PATH: programs } },
    });
    expect(stdout).toMatch(/analytic/);
    expect(exitCode).toBe(0);
  });
});

describe('the tarball', () => {
  it('has an entry in package.json for everything it offers, as publint sees it', async () => {
    const { messages } = await publint({ pkgDir: dist, pack: 'npm', strict: true });
    expect(messages).toEqual([]);
  });

  it('holds no test, no data that is not ours, and nothing of the machine it was packed on', async () => {
    const { stdout } = await execa('tar', ['-tzf', join(folder, tarball)]);
    expect(stdout).not.toMatch(/\.test\.|\.slow\.|\/names\.txt|\.cache|target\/|node_modules/);
    expect(stdout).toMatch(/package\/reference\/datasets\/us-names-2016\.txt/);
  });
});
