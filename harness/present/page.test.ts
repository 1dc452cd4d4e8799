import { describe, expect, it } from 'vitest';
import { wrap } from './page.ts';

describe('a long line', () => {
  it('is broken between words, and the rest indented', () => {
    expect(wrap('one two three four', 9)).toBe('one two\n  three\n  four');
    expect(wrap('unbreakable', 4)).toBe('unbreakable');
    expect(wrap('    one two', 8, '      ')).toBe('    one\n      two');
    expect(wrap('\u001b[31mone two\u001b[39m three', 9)).toBe('\u001b[31mone two\u001b[39m\n  three');
  });
});
