import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { historyRecord } from '../../results/history.ts';
import { readPublished } from '../../results/published.ts';
import type { BenchResult } from '../../results/schema.ts';
import {
  accessibilityProblems,
  chromiumPath,
  complaintsOf,
  inBrowser,
  keepScreenshot,
  launchBrowser,
  layoutProblems,
  showAs,
  views,
} from '../../testing/browser.ts';
import { benchResult, refusedRow, verifiedRow } from '../../testing/example-result.ts';
import { machineReports } from './machine-report.ts';
import { reportPage } from './report-page.ts';
import { svgFiles } from './svg-files.ts';

const hostile = '"><img src=x onerror=alert(1)></svg><script>alert(2)</script>';

/** A run as large as ours are, with wrong, broken, skipped and hostile rows. */
function resultOf(nEmbd: number, change: Partial<BenchResult> = {}): BenchResult {
  const growth = (nEmbd / 16) ** 1.8;
  const times = [
    ['python', 'Python', 'scalar autograd, the original', 137_000],
    ['scalar-autograd', 'TypeScript', 'scalar autograd, a graph of objects', 2087],
    ['flat-tape', 'TypeScript', 'scalar autograd, a flat tape', 171],
    ['rust-flat-tape', 'Rust', 'scalar autograd, a flat tape', 76.7],
    ['analytic', 'TypeScript', 'tape-free, matrix level', 44.9],
    ['julia', 'Julia', 'tape-free, matrix level', 30],
    ['c', 'C', 'tape-free, matrix level', 20.9],
    ['rust', 'Rust', 'tape-free, matrix level', 17],
    ['wasm-simd-f64', 'TypeScript', 'generated WebAssembly SIMD kernels', 15.9],
    ['wasm-simd', 'TypeScript', 'generated WebAssembly SIMD kernels', 7.21],
    ['c-simd', 'C', 'vectors of positions, fused Adam', 4.23],
  ] as const;
  const base = benchResult();
  return benchResult({
    ...change,
    task: { ...base.task, preset: `d${nEmbd}`, nEmbd, parameterCount: 70 * nEmbd + 12 * nEmbd ** 2 },
    machine: { ...base.machine, nativePeakGflops: { float32: 118, float64: 59 }, ...change.machine },
    baselines: [{ row: 'python', role: 'python-baseline' }],
    rows: [
      ...times.map(([implementation, language, technique, d16], i) => {
        const median = d16 * growth;
        return verifiedRow({
          implementation,
          language,
          technique,
          microsecondsPerSample: { median, low: median * 0.96, high: median * 1.1 },
          roundsMicrosecondsPerSample: Array.from({ length: 8 }, (_, j) => median * (0.95 + ((i + 3 * j) % 8) / 50)),
          speedup: { python: { median: 137_000 / d16, low: 120_000 / d16, high: 150_000 / d16 } },
          gflops: 150 / d16,
          fractionOfPeak: 150 / d16 / 118,
        });
      }),
      refusedRow({ implementation: 'forgetful', technique: 'tape-free, matrix level' }),
      refusedRow({ implementation: 'crashing', status: 'error', reason: 'ended with signal SIGSEGV', language: 'C' }),
      refusedRow({ implementation: 'absent', status: 'skipped', reason: 'zig not found', language: 'Zig' }),
      refusedRow({ implementation: hostile, technique: hostile, reason: hostile, language: hostile }),
    ],
  });
}

const sizes = [16, 32, 64, 128].map((nEmbd) => resultOf(nEmbd));
const runs = [50, 50.2, 49.9, 50.1, 50, 55.1, 55, 54.9, 55.2].map((time, i) =>
  historyRecord(
    resultOf(16, {
      createdAt: `2026-01-0${i + 1}T00:00:00.000Z`,
      commit: `${i}`.repeat(40),
      noise: { calibratorMicroseconds: [time], warnings: [] },
    }),
  ),
);
const history = runs.map((run, i) => ({
  ...run,
  rows: run.rows.map((row) => ({
    ...row,
    microsecondsPerSample: {
      ...row.microsecondsPerSample,
      median: row.microsecondsPerSample.median * (i < 5 ? 1 + (i % 3) / 300 : 1.1 + (i % 2) / 300),
    },
  })),
}));

describe.skipIf(chromiumPath === undefined)(inBrowser('the report in a browser'), () => {
  let browser: Browser;
  let folder: string;
  let page: Page;
  let complaints: readonly string[];
  beforeAll(async () => {
    [browser, folder] = [await launchBrowser(), await mkdtemp(join(tmpdir(), 'report-'))];
    const other = {
      ...benchResult().machine,
      fingerprint: 'other',
      cpu: 'Another processor with a long name, 3.2 GHz',
    };
    const machines = machineReports(
      [...sizes, resultOf(16, { machine: other })].map((result, i) => ({ path: `${i}.json`, result })),
    );
    await writeFile(join(folder, 'report.html'), reportPage({ machines, history, published: await readPublished() }));
    const context = await browser.newContext({ javaScriptEnabled: true });
    page = await context.newPage();
    complaints = complaintsOf(page);
    await page.goto(pathToFileURL(join(folder, 'report.html')).href);
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true });
  }, 60_000);

  it.each(views)('is whole, readable and accessible in $colorScheme at $width pixels', async (view) => {
    await showAs(page, view);
    await page.evaluate(() => {
      for (const details of document.querySelectorAll('details')) details.open = true;
    });
    await keepScreenshot(page, `report-${view.colorScheme}-${view.width}`);
    expect(await layoutProblems(page)).toEqual([]);
    expect(await accessibilityProblems(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('takes a hostile name as text', async () => {
    expect(await page.locator('img, script, foreignObject').count()).toBe(0);
    expect(await page.locator('tr.wrong th', { hasText: hostile }).count()).toBeGreaterThan(0);
  });

  it('shows everything without script, and all tables on paper', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1000, height: 900 } });
    const plain = await context.newPage();
    await plain.goto(pathToFileURL(join(folder, 'report.html')).href);
    await plain.emulateMedia({ media: 'print' });
    for (const table of await plain.locator('table').all()) expect(await table.isVisible()).toBe(true);
    expect(await plain.locator('figure svg').first().isVisible()).toBe(true);
    await context.close();
  });

  it('has SVG files that are well-formed, whatever the names in them', async () => {
    const [machine] = machineReports(sizes.map((result, i) => ({ path: `${i}.json`, result })));
    for (const { name, svg } of svgFiles(machine)) {
      const found = await page.evaluate((text) => {
        const parsed = new DOMParser().parseFromString(text, 'image/svg+xml');
        return [parsed.documentElement.tagName, parsed.querySelectorAll('parsererror, script, img').length];
      }, svg);
      expect(found, name).toEqual(['svg', 0]);
    }
  });
});
