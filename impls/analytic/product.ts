import type { Epilogue, Sum } from './epilogue.ts';

/** A matrix whose element (r, c) is `array[r · strides[0] + c · strides[1]]`. */
export interface Operand {
  readonly array: Float64Array;
  readonly strides: Strides;
}

type Strides = readonly [number, number];

/** `c[i, j] = Σ_k a[i, k] · b[j, k]`, where one of the sizes may differ from call to call. */
export interface Product {
  /** What profiles call the kernel. */
  readonly name: string;
  readonly a: Operand;
  readonly b: Operand;
  /** What becomes of c: `i · cStrides[0] + j · cStrides[1]` is the index that the epilogue gets. */
  readonly cStrides: Strides;
  readonly epilogue: Epilogue;
  readonly i: Size;
  readonly j: number;
  readonly k: Size;
  /** How many i and j make a tile, whose sums are kept in registers. */
  readonly tile: readonly [number, number];
  /** The most rows that a call can ask for. */
  readonly maxRows: number;
}

/** A number, or the argument `rows` of the kernel. */
type Size = number | 'rows';

/** Makes the source of each kernel unique: from equal sources V8 would make one machine code, for whatever arrays come. */
let kernels = 0;

/**
 * Writes the loops of one product, with every size and stride a literal, and compiles them for these very arrays.
 * V8 then knows where each array lies and how long it is, and that no index can overflow.
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

/** Cuts `0 … length - 1` into tiles of `size`, and what is left into at most two smaller ones, as equal as can be. */
function tiles(length: Size, size: number): Tiles[] {
  if (length === 'rows') {
    const rest = { from: `rows - rows % ${size}`, to: 'rows', size: 1 };
    return [{ from: 0, to: rest.from, size }, ...(size > 1 ? [rest] : [])];
  }
  // A single one left over would be slow: with the tile before it, it makes two of nearly one size.
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
   * Names of views of an array that begin at these offsets and are all of one length. For `array[index + offset]` V8 would
   * add, compare and load each time; elements of these views have one index, and so one comparison serves all of them.
   */
  shifted(array: Float64Array, offsets: readonly number[]): string[] {
    const length = Math.max(0, array.length - Math.max(...offsets));
    return offsets.map((offset) => `view${this.arrays.push(array.subarray(offset, offset + length)) - 1}`);
  }
}
