import { UnsupportedTask } from '../impls/contract.ts';
import type { KernelRequest } from '../impls/wasm-simd/kernels/request.ts';
import { kernelFile } from './kernel-file.ts';

/** The first bytes of every WebAssembly file. */
const magic = [0x00, 0x61, 0x73, 0x6d];

/** Kernels by file: a row's two trainers share a kernel. */
const kernels = new Map<string, Promise<WebAssembly.Module>>();

/**
 * The page's replacement for the cache on disk: kernels that were built with the page. The assembler is 15 MB, too much for a page.
 *
 * @throws UnsupportedTask if no kernel was built for these sizes
 */
export async function loadKernel(request: KernelRequest): Promise<{ readonly module: WebAssembly.Module }> {
  const file = kernelFile(request);
  const module = kernels.get(file) ?? fetchKernel(file, request);
  kernels.set(file, module);
  return { module: await module };
}

async function fetchKernel(file: string, { model }: KernelRequest): Promise<WebAssembly.Module> {
  // A worker does not know the address of its page, so the address is the worker's name.
  const response = await fetch(new URL(file, self.name));
  const bytes = new Uint8Array(await response.arrayBuffer());
  // If a file is missing, some hosts answer with a page and no error.
  if (response.status === 404 || magic.some((byte, i) => bytes[i] !== byte)) {
    throw new UnsupportedTask(
      `no kernel was built for n_embd ${model.nEmbd} and ${model.vocabSize} tokens: the page has those of its presets and 27 tokens`,
    );
  }
  if (!response.ok) throw new Error(`its kernel could not be fetched (${response.status})`);
  return WebAssembly.compile(bytes);
}
