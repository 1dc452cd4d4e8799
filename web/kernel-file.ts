import type { KernelRequest } from '../impls/wasm-simd/kernels/request.ts';

/** The file of a request's kernel on the site. Its name holds all sizes. */
export function kernelFile(request: KernelRequest): string {
  return `kernels/${JSON.stringify(request).replaceAll(/\W+/g, '-').replaceAll(/^-|-$/g, '')}.wasm`;
}
