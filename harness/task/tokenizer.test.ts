import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokenizerOf } from './tokenizer.ts';

describe('tokenizerOf', () => {
  it('numbers the sorted characters from 0, and BOS after them', () => {
    const { characters, bos, encode } = tokenizerOf(['cab', 'bad']);
    expect(characters).toEqual(['a', 'b', 'c', 'd']);
    expect(bos).toBe(4);
    expect(encode('bad')).toEqual([4, 1, 0, 3, 4]);
  });

  it('sorts by code point, as Python does, where UTF-16 units would sort otherwise', () => {
    expect(tokenizerOf(['😀\uffe0z']).characters).toEqual(['z', '\uffe0', '😀']);
  });

  it('counts a character outside the basic plane as one token', () => {
    expect(tokenizerOf(['a😀']).encode('😀')).toEqual([2, 1, 2]);
  });

  it('decodes to what it encoded', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(fc.array(text, { minLength: 1 }), (documents) => {
        const { characters, bos, encode } = tokenizerOf(documents);
        for (const document of documents) {
          const tokens = encode(document);
          expect([tokens[0], tokens.at(-1)]).toEqual([bos, bos]);
          expect(
            tokens
              .slice(1, -1)
              .map((token) => characters[token])
              .join(''),
          ).toBe(document);
        }
      }),
    );
  });

  it('refuses a character it never saw', () => {
    expect(() => tokenizerOf(['a']).encode('b')).toThrow(RangeError);
  });
});
