import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KernelRequest } from './kernels/request.ts';

export interface Kernel {
  readonly module: WebAssembly.Module;
  /** Time spent building it just now; undefined where the cache had it. */
  readonly buildNanoseconds?: number;
}

const kernelSources = join(import.meta.dirname, 'kernels');
const cacheFolder = join(import.meta.dirname, '../../.cache/kernels');

/** Hash of the kernel sources and of the sizes: a change of either is another kernel. */
function cacheKey(request: KernelRequest): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(kernelSources).sort())
    if (!file.endsWith('.test.ts')) hash.update(file).update(readFileSync(join(kernelSources, file)));
  return hash.update(JSON.stringify(request)).digest('hex').slice(0, 32);
}

/** The compiled kernel for these sizes, from the cache on disk or built now and kept there. */
export async function loadKernel(request: KernelRequest, folder: string = cacheFolder): Promise<Kernel> {
  const file = join(folder, `${cacheKey(request)}.wasm`);
  const kept = existsSync(file) ? compileKept(readFileSync(file)) : undefined;
  if (kept !== undefined) return { module: kept };
  const start = process.hrtime.bigint();
  // Generators and assembler are loaded only where something is built: a kept kernel should start in no time.
  const { assemble } = await import('./kernels/assemble.ts');
  const { kernelText } = await import('./kernels/model.ts');
  const bytes = assemble(kernelText(request));
  const module = new WebAssembly.Module(bytes);
  mkdirSync(folder, { recursive: true });
  // Renamed into place, so that a second process never loads half a kernel.
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, bytes);
  renameSync(unfinished, file);
  return { module, buildNanoseconds: Number(process.hrtime.bigint() - start) };
}

/** A kept kernel, or undefined where the file was damaged. Its function names come last: with them, it is whole. */
function compileKept(bytes: Buffer<ArrayBuffer>): WebAssembly.Module | undefined {
  try {
    const module = new WebAssembly.Module(bytes);
    return WebAssembly.Module.customSections(module, 'name').length > 0 ? module : undefined;
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return undefined;
    throw error;
  }
}
