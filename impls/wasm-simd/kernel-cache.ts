import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { KernelRequest } from './kernels/request.ts';

export interface Kernel {
  readonly module: WebAssembly.Module;
  /** Time spent building it; undefined if the cache had it. */
  readonly buildNanoseconds?: number;
}

const kernelSources = join(import.meta.dirname, 'kernels');
/** In the harness's cache, if the harness names one; otherwise in the project's folder. */
const cacheFolder = join(process.env['MICROGPT_BENCH_CACHE'] ?? join(import.meta.dirname, '../../.cache'), 'kernels');

/** Hash of the kernel sources and of the sizes: if either changes, it is another kernel. */
function cacheKey(request: KernelRequest): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(kernelSources).sort())
    if (!file.endsWith('.test.ts')) hash.update(file).update(readFileSync(join(kernelSources, file)));
  return hash.update(JSON.stringify(request)).digest('hex').slice(0, 32);
}

/** The compiled kernel for these sizes, read from the cache on disk, or built now and written there. */
export async function loadKernel(request: KernelRequest, folder: string = cacheFolder): Promise<Kernel> {
  const file = join(folder, `${cacheKey(request)}.wasm`);
  const kept = existsSync(file) ? readFileSync(file) : undefined;
  if (kept !== undefined && isWhole(kept)) {
    markUsed(file);
    return { module: new WebAssembly.Module(kept) };
  }
  const start = process.hrtime.bigint();
  // Generators and assembler are loaded only to build a kernel, so that a kept kernel starts at once.
  const { assemble } = await import('./kernels/assemble.ts');
  const { kernelText } = await import('./kernels/model.ts');
  const bytes = sealed(assemble(kernelText(request)));
  const module = new WebAssembly.Module(bytes);
  const buildNanoseconds = Number(process.hrtime.bigint() - start);
  keepKernel(folder, file, bytes);
  return { module, buildNanoseconds };
}

/** Does nothing if the cache cannot be written to: the kernel serves without it. */
function keepKernel(folder: string, file: string, bytes: Uint8Array): void {
  // Renamed into place, so that a second process never loads half a kernel.
  const unfinished = `${file}.${process.pid}`;
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(unfinished, bytes);
    renameSync(unfinished, file);
  } catch {
    if (existsSync(unfinished)) rmSync(unfinished);
  }
}

/** A custom section at the end of a kernel: this name, and the SHA-256 of all bytes before the section. */
const sealHead = Buffer.from([0, 39, 6, ...Buffer.from('sha256')]);
const sealBytes = sealHead.length + 32;

function sealOf(bytes: Uint8Array): Buffer {
  return Buffer.concat([sealHead, createHash('sha256').update(bytes).digest()]);
}

function sealed(bytes: Uint8Array): Buffer<ArrayBuffer> {
  return Buffer.concat([bytes, sealOf(bytes)]);
}

/** Whether a kept kernel has exactly the bytes that were written. */
function isWhole(bytes: Buffer): boolean {
  return bytes.subarray(-sealBytes).equals(sealOf(bytes.subarray(0, -sealBytes)));
}

/** For the harness, which removes what was not used for long. Does nothing if the cache cannot be written to. */
function markUsed(file: string): void {
  const now = new Date();
  try {
    utimesSync(file, now, now);
  } catch {
    return;
  }
}
