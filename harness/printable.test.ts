import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printableLine, printableLines } from './printable.ts';

const anyText = fc.string({ unit: 'binary', maxLength: 400 });

describe('printable text', () => {
  it('is one line of visible characters, whatever came', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(printableLine(text)).toMatch(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u);
      }),
    );
  });

  it('is never longer than its place', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 50 }), (text, longest) => {
        expect(printableLine(text, longest).length).toBeLessThanOrEqual(longest);
        for (const line of printableLines(text, longest)) expect(line.length).toBeLessThanOrEqual(longest);
      }),
    );
  });

  it('leaves plain words as they are', () => {
    expect(printableLine('größer als 5 µs; 名前')).toBe('größer als 5 µs; 名前');
  });

  it('shows the codes of terminal escapes and keeps a workflow command off the start of a line', () => {
    expect(printableLine('a\u001b[31mred\n::error ::x')).toBe('a\\u{1b}[31mred ::error ::x');
    expect(printableLines('one\n\ttwo\u202e')).toEqual(['one', '  two\\u{202e}']);
  });

  it('does not need long for a very long text', () => {
    expect(printableLine('x'.repeat(50_000_000))).toHaveLength(500);
  });
});
