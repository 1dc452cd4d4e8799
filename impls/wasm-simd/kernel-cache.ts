import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KernelRequest } from './kernels/model.ts';

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
export async function loadKernel(request: KernelRequest): Promise<Kernel> {
  const file = join(cacheFolder, `${cacheKey(request)}.wasm`);
  if (existsSync(file)) return { module: new WebAssembly.Module(readFileSync(file)) };
  const start = process.hrtime.bigint();
  const { assemble } = await import('./kernels/assemble.ts');
  const { kernelText } = await import('./kernels/model.ts');
  const bytes = assemble(kernelText(request));
  const module = new WebAssembly.Module(bytes);
  mkdirSync(cacheFolder, { recursive: true });
  // Renamed into place, so that a second process never loads half a kernel.
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, bytes);
  renameSync(unfinished, file);
  return { module, buildNanoseconds: Number(process.hrtime.bigint() - start) };
}
