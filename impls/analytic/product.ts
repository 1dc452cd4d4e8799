import type { Epilogue, Sum } from './epilogue.ts';

/** A matrix whose element (r, c) is `array[r · strides[0] + c · strides[1]]`. */
export interface Operand {
  readonly array: Float64Array;
  readonly strides: Strides;
}

type Strides = readonly [number, number];

/** `c[i, j] = Σ_k a[i, k] · b[j, k]`. One of the sizes may differ from call to call. */
export interface Product {
  /** The kernel's name in profiles. */
  readonly name: string;
  readonly a: Operand;
  readonly b: Operand;
  /** The epilogue gets the element (i, j) of c at index `i · cStrides[0] + j · cStrides[1]`. */
  readonly cStrides: Strides;
  readonly epilogue: Epilogue;
  readonly i: Size;
  readonly j: number;
  readonly k: Size;
  /** Numbers of i and of j in a tile. Its sums stay in registers. */
  readonly tile: readonly [number, number];
  /** The most rows that a call can ask for. */
  readonly maxRows: number;
}

/** A number, or the argument `rows` of the kernel. */
type Size = number | 'rows';

/** Makes the source of each kernel unique. Kernels with equal sources would share one machine code, which knows no array as a constant. */
let kernels = 0;

/**
 * Writes the loops of one product, with every size and stride as a literal, and compiles them for these arrays only.
 * So V8 knows the address and the length of each array, and that no index can overflow.
 */
export function createProduct(product: Product): (rows: number) => void {
  const { name, epilogue, i, j, tile, maxRows } = product;
  const views = new Views();
  const loops = tiles(i, tile[0]).flatMap((iTiles) =>
    tiles(j, tile[1]).map((jTiles) => tileLoop(iTiles, jTiles, product, views)),
  );
  const constants = Object.keys(epilogue.constants);
  // The arrays become locals outside all loops: only there does V8 see that they are constants.
  const source = `// kernel ${kernels++}
    return function ${name}(anyRows) {
      const ${views.names.map((view) => `${view} = ${view}Constant`)};
      const rows = Math.min(anyRows | 0, ${maxRows});
      ${epilogue.prologue}
      ${loops.join('\n')}
    };`;
  return new Function(...constants, ...views.names.map((view) => `${view}Constant`), source)(
    ...Object.values(epilogue.constants),
    ...views.arrays,
  );
}

/** Tiles of one size, `from, from + size, …` below `to`. */
interface Tiles {
  readonly from: number | string;
  readonly to: number | string;
  readonly size: number;
}

/** Cuts `0 … length - 1` into tiles of `size`, and the rest into at most two smaller tiles of nearly equal size. */
function tiles(length: Size, size: number): Tiles[] {
  if (length === 'rows') {
    const rest = { from: `rows - rows % ${size}`, to: 'rows', size: 1 };
    return [{ from: 0, to: rest.from, size }, ...(size > 1 ? [rest] : [])];
  }
  // A rest of one would be slow: together with the tile before it, it is cut into two tiles of nearly equal size.
  const whole = length - (length % size) - (length % size === 1 && size > 2 && length > size ? size : 0);
  const rest = length - whole;
  const first = rest > size ? Math.ceil(rest / 2) : rest;
  return [
    { from: 0, to: whole, size },
    { from: whole, to: whole + first, size: first },
    { from: whole + first, to: length, size: rest - first },
  ].filter(({ from, to }) => from < to);
}

/** For every tile: sums in locals, one pass over k, then the epilogue. */
function tileLoop(i: Tiles, j: Tiles, { a, b, cStrides, k, epilogue }: Product, views: Views): string {
  const is = [...Array(i.size).keys()];
  const js = [...Array(j.size).keys()];
  const aViews = views.shifted(
    a.array,
    is.map((p) => p * a.strides[0]),
  );
  const bViews = views.shifted(
    b.array,
    js.map((q) => q * b.strides[0]),
  );
  const pairs = is.flatMap((p) => js.map((q) => ({ p, q, name: `sum${p}_${q}` })));
  const offsets = pairs.map(({ p, q }) => p * cStrides[0] + q * cStrides[1]);
  const sums: Sum[] = pairs.map(({ name }) => ({ name, views: {} }));
  for (const [array, values] of Object.entries(epilogue.arrays)) {
    for (const [n, view] of views.shifted(values, offsets).entries()) sums[n].views[array] = view;
  }
  return `{
    ${epilogue.before?.(sums) ?? ''}
    for (let j = ${j.from}; j < ${j.to}; j += ${j.size}) {
      for (let i = ${i.from}; i < ${i.to}; i += ${i.size}) {
        const aStart = i * ${a.strides[0]}, bStart = j * ${b.strides[0]};
        let ${pairs.map(({ name }) => `${name} = ${epilogue.start}`)};
        for (let k = 0; k < ${k}; k++) {
          const aIndex = aStart + k * ${a.strides[1]}, bIndex = bStart + k * ${b.strides[1]};
          const ${is.map((p) => `a${p} = ${aViews[p]}[aIndex]`)};
          const ${js.map((q) => `b${q} = ${bViews[q]}[bIndex]`)};
          ${pairs.map(({ name, p, q }) => `${name} += a${p} * b${q};`).join(' ')}
        }
        const cIndex = i * ${cStrides[0]} + j * ${cStrides[1]};
        ${epilogue.code(sums)}
      }
    }
    ${epilogue.after?.(sums) ?? ''}
  }`;
}

/** The arrays that a kernel's source names. */
class Views {
  readonly arrays: Float64Array[] = [];

  get names(): string[] {
    return this.arrays.map((_, n) => `view${n}`);
  }

  /**
   * Names of views of an array that begin at these offsets and all have the same length. For `array[index + offset]` V8 would
   * add, compare and load each time. Elements of these views share an index, so one comparison is enough for all of them.
   */
  shifted(array: Float64Array, offsets: readonly number[]): string[] {
    const length = Math.max(0, array.length - Math.max(...offsets));
    return offsets.map((offset) => `view${this.arrays.push(array.subarray(offset, offset + length)) - 1}`);
  }
}
