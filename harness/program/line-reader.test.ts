import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineReader } from './line-reader.ts';

/** Feeds bytes in pieces of the given sizes, over and over. */
function read(bytes: Uint8Array, sizes: readonly number[], maximumLength: number) {
  const lines: string[] = [];
  let tooLong = 0;
  const reader = new LineReader(
    () => maximumLength,
    (line) => lines.push(line),
    () => tooLong++,
  );
  for (let at = 0, piece = 0; at < bytes.length; piece++) {
    const size = sizes[piece % sizes.length];
    reader.push(bytes.subarray(at, at + size));
    at += size;
  }
  return { lines, tooLong, unfinished: reader.unfinished };
}

const text = fc.string({ unit: 'grapheme' }).map((line) => line.replaceAll(/[\n\r]/g, ''));
const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });

test('lines come out whole however the bytes arrive, in the middle of a character too', () => {
  fc.assert(
    fc.property(fc.array(text), text, sizes, (lines, unfinished, pieces) => {
      const bytes = new TextEncoder().encode([...lines, unfinished].join('\n'));
      expect(read(bytes, pieces, 10_000)).toEqual({ lines, tooLong: 0, unfinished });
    }),
  );
});

test('a carriage return before the end of a line does not belong to it', () => {
  expect(read(new TextEncoder().encode('{"ready":1}\r\n'), [4], 100).lines).toEqual(['{"ready":1}']);
});

test('a line longer than the maximum is given up, whether or not it ends', () => {
  fc.assert(
    fc.property(fc.integer({ min: 11, max: 60 }), fc.constantFrom('', '\n'), sizes, (length, end, pieces) => {
      const { lines, tooLong } = read(new TextEncoder().encode('x'.repeat(length) + end), pieces, 10);
      expect(tooLong).toBeGreaterThan(0);
      expect(lines.every((line) => line.length <= 10)).toBe(true);
    }),
  );
});
