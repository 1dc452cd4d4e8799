import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Interval } from '../results/schema.ts';
import { benchResult, refusedRow, verifiedRow } from '../testing/example-result.ts';
import { benchTable } from './bench-table.ts';

const point = (median: number): Interval => ({ median, low: 0.99 * median, high: 1.01 * median });

const result = benchResult({
  rows: [
    verifiedRow({
      implementation: 'python',
      language: 'Python',
      technique: 'scalar autograd, the original',
      microsecondsPerSample: point(250_000),
      speedup: { overPython: point(1), overScalar: point(0.024) },
      stepsVerified: 16,
      gflops: 0.0006,
      fractionOfPeak: 0.00002,
    }),
    verifiedRow({
      implementation: 'wasm-simd',
      technique: 'generated WebAssembly SIMD kernels',
      precision: 'float32',
      microsecondsPerSample: point(8.514),
      speedup: { overPython: point(28_437), overScalar: point(705) },
      gflops: 17.6,
      fractionOfPeak: 0.38,
      outlierRounds: [2],
    }),
    refusedRow({ implementation: 'wrong' }),
    refusedRow({ implementation: 'julia', status: 'skipped', reason: 'julia not found' }),
  ],
});

/** Lines of the table's frame. */
function frame(text: string): string[] {
  return text.split('\n').filter((line) => /^[│┌├└]/.test(line));
}

const plain = (width: number) => benchTable(result, { width, color: false });

describe('the table of a benchmark', () => {
  it('at 80 columns shows time, interval, both speedups and the share of the peak', () => {
    expect(frame(plain(80))).toEqual([
      '┌────────────────┬───────────┬──────────┬──────────┬──────────┬───────┐',
      '│ implementation │ µs/sample │ interval │ × Python │ × scalar │  peak │',
      '├────────────────┼───────────┼──────────┼──────────┼──────────┼───────┤',
      '│ python         │   250,000 │    ±1.0% │    ×1.00 │  ×0.0240 │ <0.1% │',
      '│ wasm-simd      │      8.51 │    ±1.0% │  ×28,437 │     ×705 │   38% │',
      '│ wrong          │  mismatch │          │          │          │       │',
      '│ julia          │   skipped │          │          │          │       │',
      '└────────────────┴───────────┴──────────┴──────────┴──────────┴───────┘',
    ]);
  });

  it.each([40, 50, 60, 80, 100, 120, 160, 250])('has no line beyond %i columns', (width) => {
    for (const line of plain(width).split('\n')) expect(line.length, line).toBeLessThanOrEqual(width);
  });

  it('shows more the wider the terminal is', () => {
    const columns = [40, 60, 80, 100, 120, 160, 250].map((width) => frame(plain(width))[1]?.split('│').length ?? 0);
    expect(columns).toEqual([...columns].sort((a, b) => a - b));
    expect(plain(100)).toContain('verified');
    expect(plain(120)).toContain('GFLOP/s');
    expect(plain(250)).toContain('generated WebAssembly SIMD kernels');
  });

  it('becomes a list where not even name and time fit side by side', () => {
    const text = benchTable(result, { width: 24, color: false });
    expect(frame(text)).toEqual([]);
    expect(text).toContain('wasm-simd\n');
    expect(text).toContain('  µs/sample: 8.51\n');
  });

  it('shows a row that failed in red with its reason, and no time', () => {
    const text = benchTable(result, { width: 100, color: true });
    expect(text).toContain(
      '\u001b[31mwrong: mismatch: step 2: expected 3.4, got 3.5 (npm run check -- wrong tells more)\u001b[39m',
    );
    const red = text
      .split('\u001b[31m')
      .slice(1)
      .map((part) => part.split('\u001b')[0]);
    expect(red.join(' ')).not.toContain('wasm-simd');
    expect(stripVTControlCharacters(text)).toBe(plain(100));
  });

  it('names a skipped row and why', () => {
    expect(plain(80)).toContain('julia: skipped: julia not found');
  });

  it('says which rounds lie apart', () => {
    expect(plain(80)).toContain('wasm-simd: round 3 lies far from the others (kept)');
  });

  it('marks a row that was not steady, and says what the mark means', () => {
    const restless = benchResult({ rows: [verifiedRow({ steady: false })] });
    expect(benchTable(restless, { width: 80, color: false })).toMatch(/~±3\.0%[^~]*~ not steady/);
    expect(plain(80)).not.toContain('~');
  });

  it('gives no interval for a single process', () => {
    const single = benchResult({
      rows: [
        verifiedRow({ roundsMicrosecondsPerSample: [50], microsecondsPerSample: { median: 50, low: 50, high: 50 } }),
      ],
    });
    expect(benchTable(single, { width: 80, color: false })).not.toContain('±0');
  });
});
