import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type NeededTool, neededToolSchema } from './manifest.ts';
import { findTool } from './tool.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'microgpt-bench-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

/** Writes a program as a shell script into a folder and returns its path. */
async function program(place: string, name: string, script: string): Promise<string> {
  const path = join(folder, place, name);
  await mkdir(join(folder, place), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

function usePath(...places: readonly string[]): void {
  vi.stubEnv('PATH', places.map((place) => join(folder, place)).join(delimiter));
}

function need(fields: { readonly program: string } & Record<string, unknown>): NeededTool {
  return neededToolSchema.parse(fields);
}

describe.skipIf(process.platform === 'win32')('a tool', () => {
  test.for([
    ['python3', 'Python 3.9.16 (7.3.11, Dec 30 2024)', '>=3.9', true],
    ['python3', 'Python 3.8.10', '>=3.9', 'python3 3.8.10 found, >=3.9 needed (install it)'],
    ['julia', 'julia version 1.12.0-DEV', '>=1.5', true],
    ['julia', 'julia version 1.4.2', '>=1.5', 'julia 1.4.2 found, >=1.5 needed (install it)'],
    ['cc', 'cc (Debian 12.2.0-14+deb12u1) 12.2.0', '>=4.9', true],
    [
      'cc',
      'x86_64-linux-gnu-cc 4.8.5 20150623 (Red Hat 4.8.5-44)',
      '>=4.9',
      'cc 4.8.5 found, >=4.9 needed (install it)',
    ],
    ['cc', 'a compiler', '>=4.9', 'cc does not say its version when asked `--version`, >=4.9 needed (install it)'],
  ] as const)('%s that says "%s" where %s is needed: %s', async ([name, says, version, expected]) => {
    const path = await program('bin', name, `echo '${says}'`);
    usePath('bin');
    expect(await findTool(need({ program: name, version, hint: 'install it' }))).toEqual(
      expected === true ? { words: [path], versions: { [name]: says } } : { missing: expected },
    );
  });

  test('that is nowhere on the path is said to be missing', async () => {
    usePath('bin');
    expect(await findTool(need({ program: 'gforth' }))).toEqual({ missing: 'gforth not found' });
  });

  test('that has another word for its version is asked by that word', async () => {
    const path = await program('bin', 'go', '[ "$1" = version ] && echo "go version go1.24.0 linux/amd64"');
    usePath('bin');
    const versions = { go: 'go version go1.24.0 linux/amd64' };
    expect(await findTool(need({ program: 'go', ask: ['version'], version: '>=1.20' }))).toEqual({
      words: [path],
      versions,
    });
  });

  test('that can be run is there, even if it does not know how to tell its version', async () => {
    const path = await program('bin', 'go', 'echo "flag provided but not defined: -version"; exit 2');
    usePath('bin');
    expect(await findTool(need({ program: 'go' }))).toEqual({ words: [path], versions: {} });
  });

  test.for([
    ['echo "command not found"; exit 127', 'python3 ended with exit code 127'],
    ['kill -SEGV $$', 'python3 ended with signal SIGSEGV'],
    ['exit 1', 'python3 does not say its version when asked `--version`, >=3.9 needed'],
  ] as const)('that is broken (%s) is missing, and says why', async ([script, missing]) => {
    await program('bin', 'python3', script);
    usePath('bin');
    expect(await findTool(need({ program: 'python3', version: '>=3.9' }))).toEqual({ missing });
  });

  test('is found further along the path, or by another name, where the first of its name will not do', async () => {
    await program('stub', 'python3', 'exit 9009');
    await program('old', 'python3', 'echo Python 2.7.18');
    const path = await program('new', 'python', 'echo Python 3.14.0');
    usePath('stub', 'old', 'new');
    const versions = { python3: 'Python 3.14.0' };
    expect(await findTool(need({ program: 'python3', or: ['python', 'py'], version: '>=3.9' }))).toEqual({
      words: [path],
      versions,
    });
  });

  const numpy = { name: 'numpy', ask: ['-c', 'import numpy'], version: '>=1.20', hint: 'install NumPy' };
  const python = (numpyVersion: string) => `if [ "$1" = --version ]; then echo Python 3.11.7; else ${numpyVersion}; fi`;

  test('is the first that has the libraries, each with its version', async () => {
    await program('plain', 'python3', python('exit 1'));
    const path = await program('full', 'python3', python('echo 1.24.2'));
    usePath('plain', 'full');
    expect(await findTool(need({ program: 'python3', libraries: [numpy] }))).toEqual({
      words: [path],
      versions: { python3: 'Python 3.11.7', numpy: '1.24.2' },
    });
  });

  test.for([
    ['exit 1', 'python3 has no numpy (install NumPy)'],
    ['echo 1.16.5', 'numpy 1.16.5 found, >=1.20 needed (install NumPy)'],
  ] as const)('without its library (%s) is said to lack it', async ([script, missing]) => {
    await program('first', 'python3', python(script));
    await program('broken', 'python3', 'exit 127');
    usePath('first', 'broken');
    expect(await findTool(need({ program: 'python3', libraries: [numpy] }))).toEqual({ missing });
  });

  test('is the one that the environment names, a path with spaces or a command of several words', async () => {
    const path = await program('a folder', 'my cc', 'echo my cc 15.0.0');
    const cached = await program('bin', 'ccache', 'shift; echo clang version 18.1.8');
    usePath('bin');
    const cc = need({ program: 'cc', variable: 'CC', version: '>=4.9' });
    vi.stubEnv('CC', path);
    expect(await findTool(cc)).toEqual({ words: [path], versions: { cc: 'my cc 15.0.0' } });
    vi.stubEnv('CC', `${cached} clang`);
    expect(await findTool(cc)).toEqual({ words: [cached, 'clang'], versions: { cc: 'clang version 18.1.8' } });
  });

  test('that the environment names wrongly is not replaced by another', async () => {
    await program('bin', 'cc', 'echo cc 12.2.0');
    usePath('bin');
    vi.stubEnv('CC', 'no-such-compiler');
    const missing = 'CC=no-such-compiler could not be run (ENOENT)';
    expect(await findTool(need({ program: 'cc', variable: 'CC' }))).toEqual({ missing });
  });

  test('that does not answer is ended at once by the signal', async () => {
    await program('bin', 'cc', `: >'${folder}/asked'; exec /bin/sleep 1000`);
    usePath('bin');
    const interrupt = new AbortController();
    const found = findTool(need({ program: 'cc' }), interrupt.signal);
    await expect.poll(() => existsSync(join(folder, 'asked'))).toBe(true);
    interrupt.abort(new Error('interrupted'));
    await expect(found).rejects.toThrow('interrupted');
  });

  test('may be given by its absolute path', async () => {
    const path = await program('elsewhere', 'zig', 'echo 0.15.2');
    usePath('bin');
    expect(await findTool(need({ program: path }))).toEqual({ words: [path], versions: { [path]: '0.15.2' } });
    expect(await findTool(need({ program: `${path}-missing` }))).toEqual({ missing: `${path}-missing not found` });
  });
});
