import binaryen from 'binaryen';

/** Assembles WebAssembly text with SIMD, relaxed SIMD and atomics into a binary. No optimizer runs here; V8 optimizes. */
export function assemble(text: string): Uint8Array<ArrayBuffer> {
  const module = binaryen.parseText(text);
  // Function names, so that a profile can be read.
  binaryen.setDebugInfo(true);
  module.setFeatures(binaryen.Features.SIMD128 | binaryen.Features.RelaxedSIMD | binaryen.Features.Atomics);
  try {
    return new Uint8Array(module.emitBinary());
  } finally {
    module.dispose();
  }
}
