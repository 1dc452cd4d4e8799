import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { build, type PreviewServer, preview } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
} from '../harness/testing/browser.ts';
import { siteConfig } from './site.ts';

const hostile = '<img src=x onerror=alert(1)>';

describe.skipIf(chromiumPath === undefined)(inBrowser('the race in a browser'), () => {
  let folder: string;
  let server: PreviewServer;
  let browser: Browser;
  let address: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'site-'));
    const config = { ...siteConfig(folder, ['d16']), logLevel: 'error' } as const;
    await build(config);
    [server, browser] = [await preview({ ...config, preview: { port: 0, host: '127.0.0.1' } }), await launchBrowser()];
    address = server.resolvedUrls?.local[0] ?? '';
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    await server.close();
    await rm(folder, { recursive: true });
  }, 60_000);

  async function opened(hash = ''): Promise<{ page: Page; complaints: readonly string[] }> {
    const page = await browser.newPage();
    const complaints = complaintsOf(page);
    await page.goto(`${address}${hash}`);
    return { page, complaints };
  }
  const row = (page: Page, name: string) => page.locator('#rows li', { has: page.locator(`b:text-is("${name}")`) });
  const ended = (page: Page) => page.locator('#start:enabled').waitFor({ timeout: 100_000 });
  async function raced(page: Page): Promise<void> {
    await page.click('#start');
    await ended(page);
  }

  /** Starts a race and waits until so many rows are verified in every step. Their times are not sure yet. */
  async function racedUntilVerified(page: Page, rows: number): Promise<void> {
    await page.click('#start');
    await expect.poll(() => page.locator('#rows li.finished').count(), { timeout: 100_000 }).toBe(rows);
  }

  describe('of 200 steps', () => {
    let page: Page;
    let complaints: readonly string[];
    beforeAll(async () => {
      ({ page, complaints } = await opened('#preset=d16&steps=200'));
      await raced(page);
    }, 110_000);

    it('has every step of every row verified, and gives each a time', async () => {
      const rows = await page.locator('#rows li').allTextContents();
      expect(rows).toHaveLength(5);
      for (const text of rows) expect(text).toMatch(/[\d,.]+ steps\/s.*×[\d.k]+.*all 200 steps verified/);
      expect(await page.textContent('#verdict')).toMatch(/is the fastest, ×.*5 of 5 rows are verified, every step/);
      expect(complaints).toEqual([]);
    });

    it('invents ten names a row, the same for all: all learned the same', async () => {
      const lists = await page.locator('#names ol').all();
      expect(lists).toHaveLength(5);
      const invented = await Promise.all(lists.map((list) => list.locator('li').allTextContents()));
      expect(invented[0]).toHaveLength(10);
      for (const names of invented) expect(names).toEqual(invented[0]);
    });

    it('draws five curves over the whole of it', async () => {
      const curves = await page
        .locator('polyline')
        .evaluateAll((all) => all.map((curve) => curve.getAttribute('points')));
      expect(curves).toHaveLength(5);
      for (const points of curves) expect(points?.split(' ').length).toBeGreaterThan(50);
    });

    it.each(views)('is whole, readable and accessible in $colorScheme at $width pixels', async (view) => {
      await showAs(page, view);
      await keepScreenshot(page, `race-${view.colorScheme}-${view.width}`);
      expect(await layoutProblems(page)).toEqual([]);
      expect(await accessibilityProblems(page)).toEqual([]);
    });
  });

  it('ends with all its workers when stopped', async () => {
    const { page, complaints } = await opened('#steps=5000');
    await page.click('#start');
    await page.locator('#rows li.racing').first().waitFor();
    expect(page.workers()).toHaveLength(5);
    await page.click('#stop');
    await expect.poll(() => page.workers().length).toBe(0);
    expect(await page.textContent('#verdict')).toBe('Stopped.');
    expect(await page.locator('#start').isEnabled()).toBe(true);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('shows a row red whose worker throws, with what it said, as text; the others race on', async () => {
    const { page } = await opened('#steps=20');
    await page
      .context()
      .route(/\/analytic-[^/]*\.js$/, (route) =>
        route.fulfill({ contentType: 'text/javascript', body: `throw new Error('out of luck: ${hostile}')` }),
      );
    await raced(page);
    const broken = row(page, 'analytic');
    expect(await broken.getAttribute('class')).toBe('wrong');
    expect(await broken.textContent()).toContain(`✗ broke: out of luck: ${hostile}`);
    const [red, ink] = await Promise.all(
      [broken, row(page, 'flat-tape')].map((found) =>
        found.locator('b').evaluate((name) => getComputedStyle(name).color),
      ),
    );
    expect(red).not.toBe(ink);
    expect(await page.locator('#rows li.finished').count()).toBe(4);
    expect(await page.locator('img').count()).toBe(0);
    await keepScreenshot(page, 'race-broken');
    await page.close();
  });

  it('trains on a dropped file; its name and its contents inject nothing, and rows without a kernel say so', async () => {
    const { page, complaints } = await opened('#steps=10');
    const buffer = Buffer.from(`${hostile}\n<script>alert(2)</script>\n`);
    await page.setInputFiles('#file', { name: `${hostile}.txt`, mimeType: 'text/plain', buffer });
    await racedUntilVerified(page, 3);
    expect(await row(page, 'wasm-simd').textContent()).toContain('not in this race: no kernel was built for n_embd 16');
    expect(await page.textContent('#names-hint')).toContain(`2 documents of ${hostile}.txt`);
    expect(await page.locator('img, main script').count()).toBe(0);
    // A browser reports every 404, and a missing kernel is a 404.
    expect(complaints.filter((complaint) => !complaint.includes('404'))).toEqual([]);
    await page.close();
  });

  it('races with plain SIMD where the engine has no relaxed SIMD', async () => {
    const { page, complaints } = await opened('#steps=20');
    const kernels: string[] = [];
    page.on('response', (response) => {
      if (response.url().endsWith('.wasm')) kernels.push(response.url());
    });
    await page.context().route(/\/worker-[^/]*\.js$/, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `WebAssembly.validate = () => false;${await response.text()}` });
    });
    await racedUntilVerified(page, 5);
    expect(kernels).toHaveLength(2);
    for (const url of kernels) expect(url).toContain('fused-false');
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('races in a page that is isolated, where shared memory is, as in one that is not', async () => {
    const { page } = await opened();
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
    await page.context().route(/\/(\?isolated)?$|\.(html|js)$/, async (route) => {
      const response = await route.fetch();
      const isolation = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
      await route.fulfill({ response, headers: { ...response.headers(), ...isolation } });
    });
    await page.goto(`${address}?isolated#steps=20`);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await racedUntilVerified(page, 5);
    await page.close();
  });

  it.each([
    ['a picture', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1]), 'got a file that is no UTF-8 text'],
    ['an empty file', Buffer.from('\n'), 'got no documents'],
  ])('refuses %s in one line', async (_, buffer, expected) => {
    const { page } = await opened();
    await page.setInputFiles('#file', { name: 'mine.txt', mimeType: 'text/plain', buffer });
    await page.locator('#message', { hasText: expected }).waitFor();
    await page.close();
  });

  it('opens with what a link says, and links to what is chosen', async () => {
    const { page } = await opened('#preset=d64&steps=123');
    expect(await page.inputValue('#preset')).toBe('d64');
    expect(await page.inputValue('#steps')).toBe('123');
    await page.selectOption('#preset', 'd16');
    expect(page.url()).toBe(`${address}#preset=d16&steps=123`);
    expect(await page.getAttribute('#link', 'href')).toBe('#preset=d16&steps=123');
    await page.close();
  });
});
