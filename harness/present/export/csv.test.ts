import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { benchResult, refusedRow, verifiedRow } from '../../testing/example-result.ts';
import { csv } from './csv.ts';

/** As a strict reader of RFC 4180 sees it: a record ends with CRLF, and all have as many fields. */
const parseCsv = (text: string): string[][] => parse(text, { recordDelimiter: '\r\n', relaxQuotes: false });

test('every record has a field for every column, and the figures stand in theirs', () => {
  const [header = [], fast = [], wrong = []] = parseCsv(csv(benchResult()));
  expect(fast).toHaveLength(header.length);
  expect(wrong).toHaveLength(header.length);
  const field = (record: string[], column: string) => record[header.indexOf(column)];
  expect(field(fast, 'implementation')).toBe('fast');
  expect(field(fast, 'microseconds_per_document')).toBe('50');
  expect(field(fast, 'speedup_over_scalar_high')).toBe('82');
  expect(field(fast, 'processes')).toBe('3');
  expect(field(fast, 'peak_rss_bytes')).toBe('50000000');
  expect(field(fast, 'baseline')).toBe('python');
  expect(field(fast, 'speedup_over_baseline')).toBe('4000');
  expect(field(fast, 'preset')).toBe('d16');
  expect(field(wrong, 'cpu')).toBe('Some CPU');
  expect(field(wrong, 'commit')).toBe('c0ffee');
  expect(field(wrong, 'created_at')).toBe('2026-01-02T03:04:05.000Z');
  expect(field(wrong, 'status')).toBe('mismatch');
  expect(field(wrong, 'reason')).toBe('step 2: expected 3.4, got 3.5');
  expect(field(wrong, 'microseconds_per_document')).toBe('');
});

test('a timed row says how far it was verified', () => {
  const [header = [], fast = []] = parseCsv(csv(benchResult({ rows: [verifiedRow()] })));
  expect(fast[header.indexOf('steps_verified')]).toBe('1000');
  expect(fast[header.indexOf('steps_forced')]).toBe('300');
  expect(fast[header.indexOf('fraction_of_bound')]).toBe('0.02');
});

test('a single process has no interval', () => {
  const row = verifiedRow({ roundsMicrosecondsPerSample: [50] });
  const [header = [], fast = []] = parseCsv(csv(benchResult({ rows: [row] })));
  for (const column of header.filter((name) => /_(low|high)$/.test(name))) {
    expect(fast[header.indexOf(column)], column).toBe('');
  }
});

/** Mostly the characters that CSV gives a meaning to. */
const anyText = fc.string({ unit: fc.constantFrom('"', ',', '\r', '\n', ' ', 'ü', '=', '\u0000') });

test('any text comes back from a strict reader as it was, with a quote before what begins like a formula, any time to the digits it has', () => {
  fc.assert(
    fc.property(anyText, fc.double({ min: 1e-9, max: 1e9, noNaN: true }), (reason, median) => {
      const microsecondsPerSample = { median, low: median, high: median };
      const rows = [refusedRow({ reason }), verifiedRow({ microsecondsPerSample })];
      const [header = [], wrong = [], fast = []] = parseCsv(csv(benchResult({ rows })));
      expect(wrong[header.indexOf('reason')]).toBe(/^[=+\-@\t\r]/.test(reason) ? `'${reason}` : reason);
      expect(Number(fast[header.indexOf('microseconds_per_document')]) / median).toBeCloseTo(1, 2);
    }),
  );
});
