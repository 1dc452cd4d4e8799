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
      speedup: { python: { median: 1, low: 1, high: 1 }, scalar: point(0.024) },
      stepsVerified: 16,
      gflops: 0.0006,
      fractionOfPeak: 0.00002,
    }),
    verifiedRow({
      implementation: 'wasm-simd',
      technique: 'generated WebAssembly SIMD kernels',
      precision: 'float32',
      microsecondsPerSample: point(8.514),
      speedup: { python: point(28_437), scalar: point(705) },
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
  it('at 80 columns shows language, precision, time and the headline ratio, both with their intervals', () => {
    expect(frame(plain(80))).toEqual([
      '┌────────────────┬────────────┬──────────┬───────┬────────────────┬───────┐',
      '│ implementation │ language   │   µs/doc │     ± │       × python │  peak │',
      '├────────────────┼────────────┼──────────┼───────┼────────────────┼───────┤',
      '│ python         │ Python f64 │  250,000 │ ±1.0% │           ×1.0 │ <0.1% │',
      '│ wasm-simd      │ TS f32     │     8.51 │ ±1.0% │ ×28k (28k–29k) │   38% │',
      '│ wrong          │ TS f64     │ mismatch │       │                │       │',
      '│ julia          │ TS f64     │  skipped │       │                │       │',
      '└────────────────┴────────────┴──────────┴───────┴────────────────┴───────┘',
    ]);
  });

  it('at 80 columns has room for the intervals of all our rows', () => {
    const wide = { median: 123_456, low: 100_000, high: 150_000 };
    const ratio = { median: 1.3, low: 1.2, high: 1.4 };
    const rows = [
      verifiedRow({
        implementation: 'rust-scalar-autograd',
        language: 'Rust',
        microsecondsPerSample: wide,
        speedup: { python: ratio },
      }),
      verifiedRow({
        implementation: 'numpy',
        language: 'Python (NumPy)',
        speedup: { python: { median: 1350, low: 1310, high: 1490 } },
      }),
      verifiedRow({ implementation: 'analytic', microsecondsPerSample: { median: 34.7, low: 34.69, high: 34.71 } }),
      refusedRow({ implementation: 'wasm-threads', threads: 2, status: 'unsupported' }),
    ];
    const lines = frame(benchTable(benchResult({ rows, baselines: [{ row: 'python' }] }), { width: 80, color: false }));
    expect(lines.find((line) => line.includes('numpy'))).toMatch(/ NumPy f64 .* ±3\.0% .* ×1\.4k \(1\.3k–1\.5k\) /);
    expect(lines.find((line) => line.includes('analytic'))).toContain('±<0.1%');
  });

  it('at 60 columns shows intervals beside the times, and at fewer columns those of the ratio alone', () => {
    const rows = [
      verifiedRow({
        implementation: 'rust-scalar-autograd',
        speedup: { python: { median: 1350, low: 1310, high: 1490 } },
      }),
      refusedRow({ implementation: 'julia', status: 'skipped' }),
    ];
    const lines = (width: number) =>
      frame(benchTable(benchResult({ rows, baselines: [{ row: 'python' }] }), { width, color: false }));
    expect(lines(60)[3]).toBe('│ rust-scalar-autograd │ 50.0 ±3.0% │ ×1.4k (1.3k–1.5k) │');
    expect(lines(56)[3]).toBe('│ rust-scalar-autograd │    50.0 │ ×1.4k (1.3k–1.5k) │');
  });

  it.each([40, 50, 60, 80, 100, 120, 160, 250])('has no line beyond %i columns', (width) => {
    for (const line of plain(width).split('\n')) expect(line.length, line).toBeLessThanOrEqual(width);
  });

  it('shows more the wider the terminal is', () => {
    const columns = [40, 60, 80, 100, 120, 160, 250].map((width) => frame(plain(width))[1]?.split('│').length ?? 0);
    expect(columns).toEqual([...columns].sort((a, b) => a - b));
    expect(plain(100)).toContain('steps verified');
    expect(plain(120)).toContain('GFLOP/s');
    expect(plain(250)).toContain('generated WebAssembly SIMD kernels');
  });

  it('becomes a list where not even name and time fit side by side', () => {
    const text = benchTable(result, { width: 24, color: false });
    expect(frame(text)).toEqual([]);
    expect(text).toContain('wasm-simd\n');
    expect(text).toContain('  µs/doc: 8.51\n');
  });

  it('shows a row that failed in red with its reason, and no time', () => {
    const text = benchTable(result, { width: 100, color: true });
    expect(text).toContain(
      '\u001b[31mwrong: mismatch: step 2: expected 3.4, got 3.5; for more: npm run check -- wrong\u001b[39m',
    );
    const red = text
      .split('\u001b[31m')
      .slice(1)
      .map((part) => part.split('\u001b')[0]);
    expect(red.join(' ')).not.toContain('wasm-simd');
    expect(stripVTControlCharacters(text)).toBe(plain(100));
  });

  it('says how to look closer at a row that failed, in the same folders and on the same task', () => {
    const command = [
      'bench',
      'wrong',
      '--quick',
      '--impls',
      './my rows',
      '--impls=b',
      '--n-embd',
      '32',
      '--budget',
      '9',
    ];
    const text = benchTable(benchResult({ rows: [refusedRow()], command }), { width: 250, color: false });
    expect(text).toMatch(/npm run check -- wrong --impls "\.\/my rows" --impls=b --n-embd 32$/m);
  });

  it('names a skipped row and why', () => {
    expect(plain(80)).toContain('julia: skipped: julia not found');
  });

  it('says which rounds lie apart', () => {
    expect(plain(80)).toContain('rounds far from the others (kept): wasm-simd 3');
  });

  it('marks a row that was not steady, and says what the mark means', () => {
    const restless = benchResult({ rows: [verifiedRow({ steady: false })] });
    expect(benchTable(restless, { width: 80, color: false })).toMatch(/ ~50\.0 [^~]*~ still warming up/);
    expect(plain(80)).not.toContain('~');
  });

  it('says how few documents a slow row takes', () => {
    const slow = benchResult({
      rows: [verifiedRow({ samplesMeasured: 8, roundsMicrosecondsPerSample: [9, 9, 9, 9] })],
    });
    expect(benchTable(slow, { width: 120, color: false })).toMatch(
      /slow rows time few documents in a process: \S+ 2$/m,
    );
    expect(plain(120)).not.toContain('few documents');
  });

  it('gives no interval for a single process', () => {
    const single = benchResult({
      rows: [
        verifiedRow({ roundsMicrosecondsPerSample: [50], microsecondsPerSample: { median: 50, low: 50, high: 50 } }),
      ],
    });
    expect(benchTable(single, { width: 80, color: false })).not.toContain('±0');
  });

  it('drops the second baseline before anything else, and the technique next', () => {
    const headings = (width: number) => frame(plain(width))[1] ?? '';
    expect(headings(250)).toContain('× scalar');
    expect(headings(160)).not.toContain('× scalar');
    for (const width of [60, 80, 120]) {
      expect(headings(width)).toContain('× python');
      expect(plain(width)).toMatch(/TS f32 .*×28k \(28k–29k\)/);
    }
  });

  it('compares with whatever baseline was asked for', () => {
    const rows = [verifiedRow({ speedup: { rust: { median: 2.61, low: 2.5, high: 2.7 } } })];
    const text = benchTable(benchResult({ rows, baselines: [{ row: 'rust' }] }), { width: 80, color: false });
    expect(text).toContain('× rust');
    expect(text).toContain('×2.6 (2.5–2.7)');
  });

  it('tells threads and the cores that were used, where there is more than one', () => {
    const rows = [
      verifiedRow({ threads: 2, coresUsed: 1.94 }),
      verifiedRow({ implementation: 'one', coresUsed: 1.02 }),
    ];
    const text = benchTable(benchResult({ rows }), { width: 160, color: false });
    expect(text).toMatch(/fast +│ TS f64 ×2 .* 1\.9 /);
    expect(text).toMatch(/one +│ TS f64 +│/);
    expect(text).not.toContain('1.0 │');
  });

  it('tells what threads can gain here, where a row has more than one', () => {
    const machine = { ...result.machine, threadsGain: { threads: 2, overOne: 1.284 } };
    const text = (threads: number) =>
      benchTable(benchResult({ rows: [verifiedRow({ threads })], machine }), { width: 250, color: false });
    expect(text(2)).toContain("; 2 threads do ×1.28 of one thread's multiply-adds here");
    expect(text(1)).not.toContain('multiply-adds');
  });

  it('tells the share of the 128-bit peak of rows that have no wider vectors, and what that is', () => {
    const rows = [verifiedRow({ fractionOfSimd128Peak: 0.417 }), verifiedRow({ implementation: 'native' })];
    const { machine } = result;
    const measured = { ...machine, simd128PeakGflops: { float32: 59, float64: 29.5 } };
    const text = benchTable(benchResult({ rows, machine: measured }), { width: 250, color: false });
    expect(text).toMatch(/of 128-bit.* 42% .*of 128-bit: .* 59\.0 and 29\.5/s);
    expect(
      benchTable(benchResult({ rows: [verifiedRow()], machine: measured }), { width: 250, color: false }),
    ).not.toContain('128');
  });

  it('sorts by speed where asked to, rows without a time last', () => {
    const names = (order: 'speed' | 'ladder') =>
      frame(benchTable(result, { width: 80, color: false }, order)).flatMap((line) => /^│ (\S+)/.exec(line)?.[1] ?? []);
    expect(names('speed')).toEqual(['implementation', 'wasm-simd', 'python', 'wrong', 'julia']);
    expect(names('ladder')).toEqual(['implementation', 'python', 'wasm-simd', 'wrong', 'julia']);
  });

  it('says what weakens the figures in three lines at most, whatever went wrong', () => {
    const noise = { calibratorMicroseconds: [50], warnings: ['load 3.1 on 2 cores', 'steal 4%', 'speed moved by 5%'] };
    const rows = Array.from({ length: 12 }, (_, i) =>
      verifiedRow({ implementation: `row-${i}`, outlierRounds: [1], steady: false }),
    );
    const text = benchTable(benchResult({ rows, noise }), { width: 250, color: false });
    const below = text.slice(text.lastIndexOf('┘')).split('\n').slice(1);
    expect(below).toHaveLength(3);
    expect(below[2]).toMatch(/^noisy run: load 3\.1 on 2 cores; steal 4%; speed moved by 5%\. Trust ratios/);
  });

  it('advises a longer run by the flag that this one can change', () => {
    const noise = { calibratorMicroseconds: [50], warnings: ['steal 4%'] };
    const text = (command: string[]) => benchTable(benchResult({ noise, command }), { width: 250, color: false });
    expect(text(['bench', '--quick'])).toContain('work or leave out --quick.');
    expect(text(['bench'])).toContain('work or give it a longer --budget.');
  });

  it('says nothing of noise where nothing was timed', () => {
    const noise = { calibratorMicroseconds: [], warnings: ['load 9.3 on 2 cores before the run'] };
    expect(benchTable(benchResult({ rows: [refusedRow()], noise }), { width: 250, color: false })).not.toContain(
      'noisy',
    );
  });

  it('explains only what the table shows', () => {
    expect(plain(60)).not.toContain('peak');
    expect(plain(250)).not.toContain('warming up');
  });
});
