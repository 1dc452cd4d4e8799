import type { KernelRequest } from '../impls/wasm-simd/kernels/request.ts';

/** Where the kernel for a request lies on the site: a name that says all its sizes. */
export function kernelFile(request: KernelRequest): string {
  return `kernels/${JSON.stringify(request).replaceAll(/\W+/g, '-').replaceAll(/^-|-$/g, '')}.wasm`;
}
