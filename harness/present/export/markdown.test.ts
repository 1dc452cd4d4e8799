import fc from 'fast-check';
import { parseHTML } from 'linkedom';
import { parse } from 'marked';
import { expect, test } from 'vitest';
import { benchResult, refusedRow, verifiedRow } from '../../testing/example-result.ts';
import { escapeCell } from '../column-table.ts';
import { markdown } from './markdown.ts';

test('a row shows its median, its interval and its speedups', () => {
  expect(markdown(benchResult())).toContain(
    '| fast | TypeScript | tape-free | float64 | 50.0 (49.0–52.0) | ×4.0k (3.9k–4.1k) | ×80 (78–82) |',
  );
});

test('a refused row shows its reason in place of a time', () => {
  expect(markdown(benchResult())).toContain('| mismatch: step 2: expected 3.4, got 3.5 |  |  |');
});

test('a row that never settled says so', () => {
  expect(markdown(benchResult({ rows: [verifiedRow({ steady: false })] }))).toContain('(not steady)');
});

test('noise warnings stand under the table', () => {
  const noise = { calibratorMicroseconds: [50], warnings: ['the machine is busy'] };
  expect(markdown(benchResult({ noise }))).toContain('> Warning: the machine is busy');
});

test('one process gives no interval, and the text says so', () => {
  const text = markdown(benchResult({ rows: [verifiedRow({ roundsMicrosecondsPerSample: [50] })] }));
  expect(text).toContain('| 50.0 | ×4.0k | ×80 |');
  expect(text).toContain('One process a row, too few for an interval.');
  expect(text).not.toContain('95%');
});

test('a time has no more digits than its interval supports', () => {
  const time = (median: number, low: number, high: number) =>
    markdown(benchResult({ rows: [verifiedRow({ microsecondsPerSample: { median, low, high } })] }));
  expect(time(116_998, 108_836, 123_694)).toContain('| 117,000 (109,000–124,000) |');
  expect(time(60.36, 35.5, 99.9)).toContain('| 60 (36–100) |');
  expect(time(34.712, 34.701, 34.723)).toContain('| 34.712 (34.701–34.723) |');
});

test('small figures keep three significant digits', () => {
  const row = verifiedRow({ microsecondsPerSample: { median: 0.01234, low: 0.012, high: 0.0129 } });
  expect(markdown(benchResult({ rows: [row] }))).toContain('0.0123 ');
});

/** The rows that a reader of GitHub's Markdown sees: the texts of their cells, of which none holds anything but text. */
function rowsOf(text: string): string[][] {
  const { document } = parseHTML(`<body>${parse(text, { gfm: true, async: false })}</body>`);
  expect(document.querySelectorAll('table')).toHaveLength(1);
  expect(document.querySelectorAll('td *')).toHaveLength(0);
  return [...document.querySelectorAll('tbody tr')].map((row) =>
    [...row.children].map((cell) => cell.textContent ?? ''),
  );
}

test('a Markdown parser sees one table of all rows, and any text in its cell as it was, blanks aside', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('|', '\\', '\n', '\r', '`', '<', '*', '_', '[', 'ü', ' ', '&lt;') }),
      (text) => {
        const reason = `a${text}b`;
        const [row, ...others] = rowsOf(markdown(benchResult({ rows: [refusedRow({ reason })] })));
        expect(others).toEqual([]);
        expect(row).toHaveLength(7);
        expect(row?.[4]).toBe(`mismatch: ${reason.replaceAll(/\s+/g, ' ')}`);
      },
    ),
  );
});

test('a cell cannot open a tag or a link', () => {
  expect(escapeCell('<img> [a](b)')).toBe('&lt;img> \\[a\\](b)');
});
