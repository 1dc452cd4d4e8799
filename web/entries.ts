import type { Color } from '../harness/present/report/palette.ts';
import analytic from '../impls/analytic/impl.json' with { type: 'json' };
import flatTape from '../impls/flat-tape/impl.json' with { type: 'json' };
import scalarAutograd from '../impls/scalar-autograd/impl.json' with { type: 'json' };
import wasmSimd from '../impls/wasm-simd/impl.json' with { type: 'json' };
import wasmSimdF64 from '../impls/wasm-simd-f64/impl.json' with { type: 'json' };
import type { Entry } from './race.ts';

/** A row and its colour in all parts of the page. */
export interface ColoredEntry extends Entry {
  readonly color: Color;
}

/** The rows, slow before fast, as their manifests describe them. Speedups are relative to the first. */
export const entries: readonly ColoredEntry[] = [
  entry('scalar-autograd', scalarAutograd, 'gold'),
  entry('flat-tape', flatTape, 'red'),
  entry('analytic', analytic, 'green'),
  entry('wasm-simd-f64', wasmSimdF64, 'purple'),
  entry('wasm-simd', wasmSimd, 'blue'),
];

function entry(
  implementation: string,
  { technique, precision }: { readonly technique: string; readonly precision: string },
  color: Color,
): ColoredEntry {
  return { implementation, technique, precision: precision === 'float32' ? 'float32' : 'float64', color };
}
