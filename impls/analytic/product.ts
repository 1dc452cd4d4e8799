/** A matrix whose element (r, c) is `array[r · strides[0] + c · strides[1]]`. */
export interface Operand {
  readonly array: Float64Array;
  readonly strides: readonly [number, number];
}

/** `c[i, j] = Σ_k a[i, k] · b[j, k]`, where one of the sizes may differ from call to call. */
export interface Product {
  readonly c: Operand;
  readonly a: Operand;
  readonly b: Operand;
  readonly i: Size;
  readonly j: number;
  readonly k: Size;
  /** How many i and j of a tile, whose sums are kept in registers. */
  readonly tile: readonly [number, number];
  /** The most rows that a call can ask for. */
  readonly maxRows: number;
}

/** A number, or the argument `rows` of the kernel. As `i`, rows are rounded up to whole tiles. */
type Size = number | 'rows';

/** Makes the source of each kernel unique: V8 would let equal sources share one machine code, for arrays unknown. */
let kernels = 0;

/**
 * Writes the loops of one product, with every size and stride a literal, and compiles them for these very arrays.
 *
 * V8 then knows where each array lies and how long it is, and that no index can overflow: what it emits for an
 * element is one comparison and one load.
 */
export function createProduct({ c, a, b, i, j, k, tile, maxRows }: Product): (rows: number) => void {
  const loops = tiles(i, tile[0]).flatMap((iTiles) =>
    tiles(j, tile[1]).map((jTiles) => tileLoop(iTiles, jTiles, k, { c: c.strides, a: a.strides, b: b.strides })),
  );
  // The arrays become locals outside all loops: only there does V8 see that they are constants.
  const source = `// kernel ${kernels++}
    return function product(anyRows) {
      const c = C, a = A, b = B;
      const rows = Math.min(anyRows | 0, ${maxRows});
      ${loops.join('\n')}
    };`;
  return new Function('C', 'A', 'B', source)(c.array, a.array, b.array);
}

/** Tiles of one size, `from, from + size, …` below `to`. */
interface Tiles {
  readonly from: number;
  readonly to: Size;
  readonly size: number;
}

/** Cuts `0 … length - 1` into tiles of `size`, and what is left into at most two smaller ones, as equal as can be. */
function tiles(length: Size, size: number): Tiles[] {
  if (length === 'rows') return [{ from: 0, to: length, size }];
  // A single one left over would be slow: with the tile before it, it makes two of nearly one size.
  const whole = length - (length % size) - (length % size === 1 && size > 2 && length > size ? size : 0);
  const rest = length - whole;
  const first = rest > size ? Math.ceil(rest / 2) : rest;
  return [
    { from: 0, to: whole, size },
    { from: whole, to: whole + first, size: first },
    { from: whole + first, to: length, size: rest - first },
  ].filter((range) => range.from < range.to);
}

type Strides = readonly [number, number];

/** For every tile: sums in locals, one pass over k, then the sums are stored. */
function tileLoop(i: Tiles, j: Tiles, k: Size, strides: { c: Strides; a: Strides; b: Strides }): string {
  const is = [...Array(i.size).keys()];
  const js = [...Array(j.size).keys()];
  const pairs = is.flatMap((p) => js.map((q) => [p, q] as const));
  return `
    for (let j = ${j.from}; j < ${j.to}; j += ${j.size}) {
      for (let i = ${i.from}; i < ${i.to}; i += ${i.size}) {
        const aStart = i * ${strides.a[0]}, bStart = j * ${strides.b[0]};
        let ${pairs.map(([p, q]) => `sum${p}_${q} = 0`)};
        for (let k = 0; k < ${k}; k++) {
          const aIndex = aStart + k * ${strides.a[1]}, bIndex = bStart + k * ${strides.b[1]};
          const ${is.map((p) => `a${p} = a[aIndex + ${p * strides.a[0]}]`)};
          const ${js.map((q) => `b${q} = b[bIndex + ${q * strides.b[0]}]`)};
          ${pairs.map(([p, q]) => `sum${p}_${q} += a${p} * b${q};`).join(' ')}
        }
        const cIndex = i * ${strides.c[0]} + j * ${strides.c[1]};
        ${pairs.map(([p, q]) => `c[cIndex + ${p * strides.c[0] + q * strides.c[1]}] = sum${p}_${q};`).join(' ')}
      }
    }`;
}
