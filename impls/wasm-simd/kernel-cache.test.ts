import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadKernel } from './kernel-cache.ts';
import type { KernelRequest } from './kernels/request.ts';

const request: KernelRequest = {
  model: { nEmbd: 4, nHead: 1, nLayer: 1, blockSize: 4, vocabSize: 3 },
  precision: 'float32',
  documents: 1,
  stages: ['only'],
  fused: false,
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kernels-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const onlyFile = (): string => {
  const files = readdirSync(folder);
  expect(files).toEqual([expect.stringMatching(/^[0-9a-f]{32}\.wasm$/)]);
  return join(folder, files[0]);
};

test('a miss builds and says how long it took, a hit does not', async () => {
  const built = await loadKernel(request, folder);
  expect(built.buildNanoseconds).toBeGreaterThan(0);
  onlyFile();
  const kept = await loadKernel(request, folder);
  expect(kept.buildNanoseconds).toBeUndefined();
  expect(WebAssembly.Module.exports(kept.module)).toEqual(WebAssembly.Module.exports(built.module));
});

test('other sizes, another precision or another instruction set are other kernels', async () => {
  await loadKernel(request, folder);
  await loadKernel({ ...request, model: { ...request.model, vocabSize: 5 } }, folder);
  await loadKernel({ ...request, precision: 'float64' }, folder);
  await loadKernel({ ...request, fused: true }, folder);
  expect(readdirSync(folder)).toHaveLength(4);
});

test('a kernel that cannot be kept is built all the same', async () => {
  const file = join(folder, 'a file');
  writeFileSync(file, '');
  expect((await loadKernel(request, join(file, 'kernels'))).buildNanoseconds).toBeGreaterThan(0);
});

test('a kernel that was damaged or cut short anywhere is built anew', async () => {
  await loadKernel(request, folder);
  const whole = readFileSync(onlyFile());
  const sections = sectionEnds(whole);
  const lengths = [0, 4, 8, 1000, whole.length - 1, ...sections.slice(0, -1)];
  const damaged = [Buffer.from('not a kernel'), ...lengths.map((length) => whole.subarray(0, length))];
  for (const bytes of damaged) {
    writeFileSync(onlyFile(), bytes);
    expect((await loadKernel(request, folder)).buildNanoseconds).toBeGreaterThan(0);
    expect(readFileSync(onlyFile())).toEqual(whole);
  }
});

test('a kernel with a flipped bit anywhere is built anew', async () => {
  await loadKernel(request, folder);
  const whole = readFileSync(onlyFile());
  for (const place of [0, 100, Math.floor(whole.length / 2), whole.length - 40, whole.length - 1]) {
    const flipped = Buffer.from(whole);
    flipped[place] ^= 16;
    writeFileSync(onlyFile(), flipped);
    expect((await loadKernel(request, folder)).buildNanoseconds).toBeGreaterThan(0);
    expect(readFileSync(onlyFile())).toEqual(whole);
  }
});

test('use is marked by the time of the file', async () => {
  await loadKernel(request, folder);
  utimesSync(onlyFile(), 0, 0);
  await loadKernel(request, folder);
  expect(statSync(onlyFile()).mtimeMs).toBeGreaterThan(0);
});

test('two processes that build the same kernel at once leave one whole file', async () => {
  const program = `
    const { loadKernel } = await import(${JSON.stringify(new URL('kernel-cache.ts', import.meta.url).href)});
    const { module } = await loadKernel(${JSON.stringify(request)}, ${JSON.stringify(folder)});
    console.log(WebAssembly.Module.exports(module).length);`;
  const build = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  const [first, second] = await Promise.all([build(), build()]);
  expect(Number(first.stdout)).toBeGreaterThan(5);
  expect(second.stdout).toBe(first.stdout);
  onlyFile();
  expect((await loadKernel(request, folder)).buildNanoseconds).toBeUndefined();
});

/** The ends of the sections of a WebAssembly binary. A file cut at one of them is still a valid module. */
function sectionEnds(bytes: Buffer): number[] {
  const ends: number[] = [];
  for (let next = 8; next < bytes.length; ) {
    // A section is an id, its length in LEB128, and that many bytes.
    let [length, shift, byte] = [0, 0, 0x80];
    for (next++; byte >= 0x80; next++, shift += 7) {
      byte = bytes[next];
      length += (byte & 0x7f) * 2 ** shift;
    }
    next += length;
    ends.push(next);
  }
  return ends;
}
