import { describe, expect, it } from 'vitest';
import { wrap } from './page.ts';

describe('a long line', () => {
  it('is broken between words, and the rest indented', () => {
    expect(wrap('one two three four', 9)).toBe('one two\n  three\n  four');
    expect(wrap('unbreakable', 4)).toBe('unbreakable');
    expect(wrap('    one two', 8, '      ')).toBe('    one\n      two');
  });
});
