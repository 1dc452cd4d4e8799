import { expect } from 'vitest';
import type { ModelConfig } from '../contract.ts';
import { assemble } from './kernels/assemble.ts';
import { ConstantPool } from './kernels/constant-pool.ts';
import { type Layout, layout } from './kernels/layout.ts';
import { type Precision, type Vector, vector } from './kernels/vector.ts';

/** For tests only: one of the four forms that every kernel has. */
export interface Variant {
  readonly precision: Precision;
  readonly fused: boolean;
}

export const variants: readonly Variant[] = [
  { precision: 'float32', fused: true },
  { precision: 'float32', fused: false },
  { precision: 'float64', fused: true },
  { precision: 'float64', fused: false },
];

/** A list of rows. */
export type Matrix = readonly (readonly number[])[];

/** `rows` rows of `columns` numbers in memory. From one row to the next are `strideBytes`, from one vector of a row to the next `vectorBytes`. */
export interface Placed {
  readonly address: number;
  readonly rows: number;
  readonly columns: number;
  readonly strideBytes: number;
  readonly vectorBytes: number;
}

const freeBytes = 4 << 20;

/**
 * For tests only: a few kernel functions in their own module, with room for their arguments after the layout.
 * All memory starts filled with a number that makes every sum wrong.
 */
export class TestKernel {
  readonly v: Vector;
  readonly l: Layout;
  readonly #exports: WebAssembly.Exports;
  readonly #numbers: Float32Array | Float64Array;
  #next: number;

  constructor(
    model: ModelConfig,
    { precision, fused }: Variant,
    functions: (v: Vector, l: Layout) => readonly string[],
    documents = 1,
  ) {
    const constants = new ConstantPool();
    this.v = vector(precision, fused, constants);
    this.l = layout(model, this.v, { documents });
    const texts = functions(this.v, this.l);
    const pages = Math.ceil((this.l.totalBytes + freeBytes) / 65536);
    const text = `(module (memory (export "memory") ${pages}) ${constants.segment()} ${texts.join('\n')})`;
    this.#exports = new WebAssembly.Instance(new WebAssembly.Module(assemble(text))).exports;
    const { memory } = this.#exports;
    if (!(memory instanceof WebAssembly.Memory)) throw new TypeError('no memory');
    this.#numbers = precision === 'float32' ? new Float32Array(memory.buffer) : new Float64Array(memory.buffer);
    this.#numbers.fill(1e20, ConstantPool.endBytes / this.v.elementBytes);
    this.#next = this.l.totalBytes;
  }

  /** Machine epsilon of this precision. */
  get epsilon(): number {
    return this.v.precision === 'float32' ? 2 ** -23 : 2 ** -52;
  }

  /** Number of whole vectors that hold these positions. */
  vectors(positions: number): number {
    return Math.ceil(positions / this.v.lanes);
  }

  /** An area for `[rows][positions]`. */
  features(rows: number, positions: number): Placed {
    const { strideBytes, recordBytes, areaBytes } = this.l;
    if (rows * strideBytes > recordBytes) throw new RangeError(`a record has no room for ${rows} features`);
    return { address: this.#take(areaBytes), rows, columns: positions, strideBytes, vectorBytes: recordBytes };
  }

  /** Room for rows end to end. */
  rows(rows: number, columns: number): Placed {
    return this.at(this.#take(rows * columns * this.v.elementBytes), rows, columns);
  }

  /** Rows end to end at an address of the layout. */
  at(address: number, rows: number, columns: number): Placed {
    const { lanes, elementBytes } = this.v;
    return { address, rows, columns, strideBytes: columns * elementBytes, vectorBytes: lanes * elementBytes };
  }

  /** Writes numbers drawn one by one, and returns them rounded to this precision. */
  fill(place: Placed, draw: (row: number, column: number) => number): Matrix {
    for (let row = 0; row < place.rows; row++)
      for (let column = 0; column < place.columns; column++)
        this.#numbers[this.#index(place, row, column)] = draw(row, column);
    return this.read(place);
  }

  /** Writes zero from the last column to the end of its vector, as a step does. */
  padWithZeros(place: Placed): void {
    for (let row = 0; row < place.rows; row++)
      for (let column = place.columns; column % this.v.lanes !== 0; column++)
        this.#numbers[this.#index(place, row, column)] = 0;
  }

  read(place: Placed): Matrix {
    return Array.from({ length: place.rows }, (_, row) =>
      Array.from({ length: place.columns }, (_, column) => this.#numbers[this.#index(place, row, column)]),
    );
  }

  /** Writes the tables of documents with these numbers of positions, side by side. Every column has weight 1 / positions in the loss. */
  writeDocuments(positions: readonly number[]): void {
    let column = 0;
    for (const [i, count] of positions.entries()) {
      this.writeIntegers(this.l.documents + 8 * i, [column * this.v.elementBytes, count]);
      for (let t = 0; t < count; t++, column++)
        this.writeNumber(this.l.lossScale + column * this.v.elementBytes, 1 / count);
    }
    for (; column % this.v.lanes !== 0; column++) this.writeNumber(this.l.lossScale + column * this.v.elementBytes, 0);
  }

  readFloat64(address: number): number {
    return new Float64Array(this.#numbers.buffer, address, 1)[0];
  }

  writeNumber(address: number, value: number): void {
    this.#numbers[address / this.v.elementBytes] = value;
  }

  /** Writes int32 numbers, end to end. */
  writeIntegers(address: number, values: readonly number[]): void {
    new Int32Array(this.#numbers.buffer, address, values.length).set(values);
  }

  /** Calls an exported function, and expects it to write only to `outputs`, with the padding of their last vector. */
  run(name: string, args: readonly number[], outputs: readonly Placed[]): void {
    const before = this.#numbers.slice();
    this.call(name, args);
    const after = this.#numbers.slice();
    for (const place of outputs)
      for (let row = 0; row < place.rows; row++)
        for (let column = 0; column < this.vectors(place.columns) * this.v.lanes; column++) {
          const index = this.#index(place, row, column);
          after[index] = before[index];
        }
    const strays = after.findIndex((value, i) => !Object.is(value, before[i]));
    expect(strays, `${name} wrote outside of its outputs`).toBe(-1);
  }

  /** Calls an exported function. */
  call(name: string, args: readonly number[]): void {
    const { [name]: call } = this.#exports;
    if (typeof call !== 'function') throw new TypeError(`no function ${name}`);
    call(...args);
  }

  #take(bytes: number): number {
    const address = this.#next;
    this.#next += Math.ceil(bytes / 64) * 64;
    if (this.#next > this.#numbers.byteLength) throw new RangeError('a test wants more memory than there is');
    return address;
  }

  #index(place: Placed, row: number, column: number): number {
    const { address, strideBytes, vectorBytes } = place;
    const { lanes, elementBytes } = this.v;
    const vector = address + row * strideBytes + Math.floor(column / lanes) * vectorBytes;
    return vector / elementBytes + (column % lanes);
  }
}

/** Expects each number within `tolerance · (1 + |expected|)`. */
export function expectClose(actual: Matrix, expected: Matrix, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  for (const [row, values] of expected.entries())
    for (const [column, value] of values.entries()) {
      const difference = Math.abs(actual[row][column] - value);
      if (!(difference <= tolerance * (1 + Math.abs(value))))
        expect.fail(`[${row}][${column}] is ${actual[row][column]}, expected ${value} within ${tolerance}`);
    }
}

const mostDifferences = 60;

/** Expects `gradient` to be ∂f/∂x, by central finite differences at up to 60 entries spread over x. */
export function expectGradient(gradient: Matrix, f: (x: Matrix) => number, x: Matrix, tolerance: number): void {
  const step = 1e-5;
  const columns = x[0].length;
  const stride = Math.ceil((x.length * columns) / mostDifferences);
  for (let entry = 0; entry < x.length * columns; entry += stride) {
    const [row, column] = [Math.floor(entry / columns), entry % columns];
    const moved = (by: number) => x.with(row, x[row].with(column, x[row][column] + by));
    const difference = (f(moved(step)) - f(moved(-step))) / (2 * step);
    expectClose([[gradient[row][column]]], [[difference]], tolerance);
  }
}

/** Σ a · b over all entries: with `b` fixed, a loss whose gradient with respect to `a` is `b`. */
export function innerProduct(a: Matrix, b: Matrix): number {
  return a.reduce((sum, row, i) => sum + row.reduce((s, value, j) => s + value * b[i][j], 0), 0);
}

/** `[rows][columns]` times `[columns][n]`. */
export function product(a: Matrix, b: Matrix): Matrix {
  return a.map((row) => b[0].map((_, j) => row.reduce((sum, value, k) => sum + value * b[k][j], 0)));
}

export function transposed(a: Matrix): Matrix {
  return a[0].map((_, column) => a.map((row) => row[column]));
}
