import fc from 'fast-check';
import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { historyRecord } from '../../results/history.ts';
import { readPublished } from '../../results/published.ts';
import type { BenchResult } from '../../results/schema.ts';
import { benchResult, refusedRow, verifiedRow } from '../../testing/example-result.ts';
import { hostileText } from '../../testing/hostile-text.ts';
import { ladderOf } from './bars-chart.ts';
import { machineReports } from './machine-report.ts';
import { reportPage } from './report-page.ts';
import { svgFiles } from './svg-files.ts';

const published = await readPublished();

const timed = (implementation: string, language: string, median: number, change = {}) =>
  verifiedRow({
    implementation,
    language,
    technique: `idea of ${implementation}`,
    microsecondsPerSample: { median, low: 0.95 * median, high: 1.1 * median },
    roundsMicrosecondsPerSample: [0.95, 1, 1.1].map((factor) => factor * median),
    speedup: { slow: { median: 80_000 / median, low: 79_000 / median, high: 81_000 / median } },
    ...change,
  });

const ladder = benchResult({
  baselines: [{ row: 'slow', role: 'python-baseline' }],
  rows: [
    timed('slow', 'Python', 80_000),
    timed('graph', 'TypeScript', 2000),
    timed('rusty', 'Rust', 100),
    timed('tape', 'TypeScript', 100),
    refusedRow({ implementation: 'wrong' }),
    timed('kernels', 'TypeScript', 5),
  ],
});

function pageOf(results: readonly BenchResult[], history: readonly BenchResult[] = []): string {
  const machines = machineReports(results.map((result, i) => ({ path: `${i}.json`, result })));
  return reportPage({ machines, history: history.map(historyRecord), published });
}

const parsed = (page: string) => parseHTML(page).document;
const textOf = (page: string) => parsed(page).querySelector('body')?.textContent ?? '';

describe('the report', () => {
  const page = pageOf([ladder]);

  it('opens with the answer: the fastest row, and its factor over CPython and the fastest of every language', () => {
    expect(parsed(page).querySelector('.answer')?.textContent).toBe(
      'kernels (TypeScript) trains on a document in 5.00 µs: ×16k (16k–16k) CPython, ×20 Rust.',
    );
  });

  it('gives the times of several sizes with their intervals', () => {
    const d64 = benchResult({ task: { ...ladder.task, preset: 'd64', nEmbd: 64 }, rows: [timed('kernels', 'C', 71)] });
    expect(textOf(pageOf([ladder, d64]))).toMatch(/kernels\s*5\.00 ±7\.5%[^\n]*71\.0 ±7\.5%/);
  });

  it('has its sections in the order of a reader’s questions', () => {
    expect([...parsed(page).querySelectorAll('h2')].map(({ textContent }) => textContent)).toEqual([
      'How long a document takes',
      'What others have published',
      'What each idea brought',
      'Cost against size',
      'Loss curves',
      'Is it right?',
      'From run to run',
      'How it was measured',
      'Repeat it',
    ]);
  });

  it('shows a wrong row in red, without a time', () => {
    const rows = [...parsed(page).querySelectorAll('tr.wrong')].map(({ textContent }) => textContent);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toContain('wrong');
    expect(rows[1]).toContain('mismatch: step 2: expected 3.4, got 3.5');
  });

  it('needs no script and no network', () => {
    expect(page).not.toMatch(/<script|<link|<img|@import|url\(/i);
    expect(page).toContain("default-src 'none'");
  });

  it('has a label for every chart, and the chart’s figures in a table', () => {
    const document = parsed(page);
    for (const svg of document.querySelectorAll('svg')) expect(svg.getAttribute('aria-label')).toMatch(/\w{3}/);
    expect(document.querySelectorAll('table').length).toBeGreaterThanOrEqual(4);
    for (const table of document.querySelectorAll('table')) expect(table.querySelector('caption')).not.toBeNull();
  });

  it('gives the commands that repeat it, quoted for a shell', () => {
    const odd = benchResult({ command: ['bench', '--dataset', "o'clock.txt", '--seed', '7'] });
    expect(textOf(pageOf([odd]))).toContain(
      "git checkout c0ffee\nnpm ci\nnpm run bench -- --dataset 'o'\\''clock.txt' --seed 7",
    );
  });

  it('says so where no row was verified', () => {
    expect(textOf(pageOf([benchResult({ rows: [refusedRow()] })]))).toContain('No row was verified');
  });

  it('draws cost and rate against size, under the machine’s peak', () => {
    const large = {
      ...ladder,
      machine: { ...ladder.machine, nativePeakGflops: { float32: 59, float64: 29 } },
      task: { ...ladder.task, preset: 'd64', nEmbd: 64, parameterCount: 54_528 },
      rows: ladder.rows.map((row) => (row.status === 'verified' ? { ...row, gflops: 3 } : row)),
    };
    const text = textOf(pageOf([ladder, large]));
    expect(text).toContain('peak, float32');
    expect(text).toContain('d64');
  });

  it('marks a detected step in the history', () => {
    const runs = [50, 50.2, 49.9, 50.1, 50, 55.1, 55, 54.9, 55.2].map((time, i) => ({
      ...ladder,
      createdAt: `2026-01-0${i + 1}T00:00:00.000Z`,
      commit: `commit${i}`,
      rows: [timed('kernels', 'TypeScript', time)],
    }));
    const text = textOf(pageOf([ladder], runs));
    expect(text).toContain('Detected steps');
    expect(text).toContain('commit5');
  });

  it('stays under 1 MB with 40 rows of 30 rounds at six sizes and two machines', () => {
    const rows = Array.from({ length: 40 }, (_, i) =>
      timed(`row-${i}`, `Language ${i % 9}`, 10 + i, {
        gflops: 2,
        roundsMicrosecondsPerSample: Array.from({ length: 30 }, (_, j) => 10 + i + j / 17),
      }),
    );
    const results = ['f', 'g'].flatMap((fingerprint) =>
      [16, 32, 64, 128, 256, 512].map((nEmbd) => ({
        ...ladder,
        rows,
        machine: { ...ladder.machine, fingerprint, nativePeakGflops: { float32: 59, float64: 29 } },
        task: { ...ladder.task, preset: `d${nEmbd}`, nEmbd, parameterCount: 300 * nEmbd },
      })),
    );
    expect(Buffer.byteLength(pageOf(results))).toBeLessThan(2 ** 20);
  });
});

describe('text from results and manifests', () => {
  /** Every text of a result replaced. */
  const infected = (text: string): BenchResult =>
    benchResult({
      ...ladder,
      commit: text,
      command: [text, text],
      baselines: [{ row: text, role: 'python-baseline' }],
      task: { ...ladder.task, preset: text, dataset: { ...ladder.task.dataset, name: text } },
      machine: { ...ladder.machine, fingerprint: text, platform: text, architecture: text, cpu: text, kernel: text },
      runtime: { name: text, version: text, v8: text },
      noise: { ...ladder.noise, governor: text, warnings: [text] },
      rows: [
        timed(text, text, 70, {
          technique: text,
          runtime: text,
          speedup: {
            [text]:
              ladder.rows[0].status === 'verified'
                ? ladder.rows[0].microsecondsPerSample
                : { median: 1, low: 1, high: 1 },
          },
        }),
        refusedRow({ implementation: text, language: text, technique: text, reason: text }),
      ],
    });
  const shape = (page: string) => [...parsed(page).querySelectorAll('*')].map(({ tagName }) => tagName);
  const allowed = new Set(shape(pageOf([ladder, ladder])).concat(shape(pageOf([infected('plain\ntext')]))));

  it('never becomes an element, an attribute or a style of the page', () => {
    fc.assert(
      fc.property(hostileText(), (text) => {
        const page = pageOf([infected(text)]);
        const elements = [...parsed(page).querySelectorAll('*')];
        for (const element of elements) {
          expect(allowed).toContain(element.tagName);
          for (const name of element.getAttributeNames())
            expect(name).not.toMatch(/^on|^(src|xlink:href|formaction)$/i);
          if (element.tagName === 'A') expect(element.getAttribute('href')).toMatch(/^https:\/\//);
        }
        expect(elements.filter(({ tagName }) => tagName === 'STYLE')).toHaveLength(1);
      }),
      { numRuns: 40 },
    );
  });

  it('never becomes markup of an SVG file', () => {
    fc.assert(
      fc.property(hostileText(), (text) => {
        const [machine] = machineReports([{ path: 'a.json', result: infected(text) }]);
        for (const { svg } of svgFiles(machine)) {
          expect(svg).not.toMatch(/<(?!\/?(svg|g|text|tspan|rect|path|line|circle)[\s>/])|="[^"]*</);
          expect(svg.startsWith('<svg ')).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('the ladder', () => {
  it('climbs the rows of the language that has most, from the first row of the table', () => {
    expect(
      ladderOf(ladder).map(({ row, idea, factor }) => [row.implementation, idea, factor && Math.round(factor)]),
    ).toEqual([
      ['slow', 'idea of slow', undefined],
      ['graph', 'idea of graph', 40],
      ['tape', 'idea of tape', 20],
      ['kernels', 'idea of kernels', 20],
    ]);
  });

  it('names the precision where that is the one thing that changed', () => {
    const rows = ladder.rows.map((row) => ({ ...row, technique: 'same' }));
    const [, , last] = ladderOf({
      ...ladder,
      rows: rows.slice(1).toSpliced(3, 1, { ...timed('f', 'TypeScript', 2), technique: 'same', precision: 'float32' }),
    });
    expect(last.idea).toBe('float32 instead of float64');
  });
});
