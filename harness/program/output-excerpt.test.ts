import { describe, expect, it } from 'vitest';
import { OutputExcerpt } from './output-excerpt.ts';

function excerptOf(...pieces: readonly string[]): string {
  const excerpt = new OutputExcerpt();
  for (const piece of pieces) excerpt.push(Buffer.from(piece));
  return excerpt.text();
}

describe('the excerpt of an output', () => {
  it('is all of a short one, in however many pieces it came', () => {
    expect(excerptOf('one\n', 'two', ' and a half\n')).toBe('one\ntwo and a half');
  });

  it('keeps characters whole that came in two pieces', () => {
    const excerpt = new OutputExcerpt();
    const bytes = Buffer.from('µs');
    excerpt.push(bytes.subarray(0, 1));
    excerpt.push(bytes.subarray(1));
    expect(excerpt.text()).toBe('µs');
  });

  it('holds the first and the last lines of a long one', () => {
    const lines = Array.from({ length: 100_000 }, (_, i) => `line ${i + 1}`);
    const shown = excerptOf(lines.join('\n')).split('\n');
    expect(shown[0]).toBe('line 1');
    expect(shown).toContain('…');
    expect(shown.at(-1)).toBe('line 100000');
    expect(shown.length).toBeLessThan(25);
  });

  it('leaves out the frames of Node itself', () => {
    expect(
      excerptOf(
        'SyntaxError: x\n    at file.ts:3:1\n    at Module._load (node:internal/modules/cjs/loader:1192:12)\n    at node:internal/main/run:5:1\n',
      ),
    ).toBe('SyntaxError: x\n    at file.ts:3:1');
  });

  it('shows terminal escapes as their codes', () => {
    expect(excerptOf('\u001b[2Jgone')).toBe('\\u{1b}[2Jgone');
  });
});
