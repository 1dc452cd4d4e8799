import { access, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectRoot } from '../harness/project.ts';
import { benchResultSchema } from '../harness/results/schema.ts';

/** Somebody's project: an empty folder with a space in its path, outside of any repository. */
let folder: string;
let tarball: string;

beforeAll(async () => {
  folder = join(await realpath(await mkdtemp(join(tmpdir(), 'microgpt-bench-'))), 'my rows');
  await mkdir(folder);
  const packed = await execa('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: projectRoot });
  tarball = packed.stdout.trim().split('\n').at(-1) ?? '';
  await writeFile(join(folder, 'package.json'), '{"name": "my-rows", "private": true, "type": "module"}');
  await execa('npm', ['install', '--no-audit', '--no-fund', '--save-dev', `./${tarball}`], { cwd: folder });
}, 300_000);
afterAll(() => rm(join(folder, '..'), { recursive: true, force: true }));

const npx = (...words: readonly string[]) =>
  execa('npx', ['--no-install', 'microgpt-bench', ...words], { cwd: folder, reject: false, env: { NO_COLOR: '1' } });

describe('the package, installed in an empty folder', () => {
  it('lists its rows, all of which say what they need', async () => {
    const { stdout, stderr, exitCode } = await npx('list');
    expect(stderr).toBe('');
    expect(stdout).toMatch(/wasm-simd/);
    expect(exitCode).toBe(0);
  });

  it('verifies rows hosted from compiled JavaScript and from built programs', { timeout: 300_000 }, async () => {
    const { stdout, exitCode } = await npx('check', '--steps', '20', 'scalar-autograd', 'analytic', 'wasm-simd', 'c');
    expect(stdout).toMatch(/✔ analytic/);
    expect(exitCode).toBe(0);
  });

  it('scaffolds a row in ./impls, which is checked and timed', { timeout: 300_000 }, async () => {
    const { stdout } = await npx('new', 'my-row');
    expect(stdout).toMatch(/next: npx microgpt-bench check my-row --impls impls/);
    expect((await npx('check', 'my-row', '--impls', 'impls', '--steps', '20')).exitCode).toBe(0);
    const bench = await npx('bench', 'analytic', 'my-row', '--impls', 'impls', '--quick', '--json', 'out.json');
    expect(bench.stderr).not.toMatch(/^\s+at /m);
    expect(bench.exitCode).toBe(0);
    const result = benchResultSchema.parse(JSON.parse(await readFile(join(folder, 'out.json'), 'utf8')));
    expect(result.rows.map(({ status }) => status)).toEqual(['verified', 'verified']);
  });

  it('keeps caches and results in the folder one works in, and writes nothing into node_modules', async () => {
    await access(join(folder, '.cache', 'microgpt-bench'));
    expect((await readdir(join(folder, 'results'))).some((name) => name.endsWith('.json'))).toBe(true);
    const installed = join(folder, 'node_modules', 'microgpt-bench');
    expect((await readdir(installed)).toSorted()).toEqual(['LICENSE', 'README.md', 'bin', 'dist', 'package.json']);
    expect(await readdir(join(installed, 'dist'))).not.toContain('.cache');
  });

  it('says in one line what compare needs', async () => {
    const { stderr, exitCode } = await npx('compare', '--base', 'main');
    expect(stderr).toMatch(/^error: compare: got an installed package; expected a checkout/);
    expect(exitCode).toBe(2);
  });

  it('ends with the exit code of bad usage, in one line, for a wrong flag', async () => {
    const { stderr, exitCode } = await npx('bench', '--no-such-flag');
    expect(stderr).toMatch(/^error: unknown option[^\n]*$/);
    expect(exitCode).toBe(2);
  });
});

describe('the tarball', () => {
  it('has an entry in package.json for everything it offers, as publint sees it', async () => {
    const { messages } = await publint({ pkgDir: projectRoot, pack: 'npm', strict: true });
    expect(messages).toEqual([]);
  });

  it('holds no test, no data that is not ours, and nothing of the machine it was packed on', async () => {
    const { stdout } = await execa('tar', ['-tzf', join(folder, tarball)]);
    expect(stdout).not.toMatch(/\.test\.|\.slow\.|\/names\.txt|\.cache|target\/|node_modules/);
    expect(stdout).toMatch(/package\/dist\/reference\/datasets\/us-names-2016\.txt/);
  });
});
