import fc from 'fast-check';
import { expect, test } from 'vitest';
import { accumulate, store, storeRelu, storeReluGradient } from './epilogue.ts';
import { createProduct } from './product.ts';

const size = fc.integer({ min: 1, max: 9 });
const tile = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }));

function numbers(length: number): fc.Arbitrary<Float64Array> {
  return fc
    .array(fc.integer({ min: -9, max: 9 }), { minLength: length, maxLength: length })
    .map((values) => Float64Array.from(values));
}

test('c = a bᵀ for any sizes, any tile and any number of rows', () => {
  const cases = fc
    .record({ rows: size, spareRows: fc.integer({ min: 0, max: 3 }), columns: size, terms: size, tile })
    .chain((sizes) =>
      fc.record({
        sizes: fc.constant(sizes),
        a: numbers((sizes.rows + sizes.spareRows) * sizes.terms),
        b: numbers(sizes.columns * sizes.terms),
      }),
    );
  fc.assert(
    fc.property(cases, ({ sizes: { rows, spareRows, columns, terms, tile }, a, b }) => {
      const maxRows = rows + spareRows;
      const c = new Float64Array(maxRows * columns).fill(NaN);
      const product = createProduct({
        name: 'tested',
        a: { array: a, strides: [terms, 1] },
        b: { array: b, strides: [terms, 1] },
        cStrides: [columns, 1],
        epilogue: store(c),
        i: 'rows',
        j: columns,
        k: terms,
        tile,
        maxRows,
      });
      product(rows);
      const expected = Array.from({ length: maxRows * columns }, (_, index) => {
        const [row, column] = [Math.floor(index / columns), index % columns];
        if (row >= rows) return NaN;
        let sum = 0;
        for (let k = 0; k < terms; k++) sum += a[row * terms + k] * b[column * terms + k];
        return sum;
      });
      expect([...c]).toEqual(expected);
    }),
    { numRuns: 200 },
  );
});

test.each([
  ['store', store, [-2, 3]],
  ['accumulate', accumulate, [8, 13]],
  ['relu', storeRelu, [0, 3]],
  ['gradient of relu', (c: Float64Array) => storeReluGradient(c, Float64Array.of(5, 0)), [-2, 0]],
] as const)('the epilogue %s gets each sum once', (_, epilogue, expected) => {
  const c = Float64Array.of(10, 10);
  const product = createProduct({
    name: 'tested',
    a: { array: Float64Array.of(-2, 3), strides: [1, 0] },
    b: { array: Float64Array.of(1), strides: [0, 0] },
    cStrides: [1, 0],
    epilogue: epilogue(c),
    i: 2,
    j: 1,
    k: 1,
    tile: [2, 1],
    maxRows: 1,
  });
  product(1);
  expect([...c]).toEqual(expected);
});
