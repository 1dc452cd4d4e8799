import { existsSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';

/** For tests: the system's Chromium, or undefined where there is none. */
export const chromiumPath: string | undefined = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
].find((path) => existsSync(path));

/** Title of a suite that runs in a browser, and says why where it cannot. */
export function inBrowser(title: string): string {
  return chromiumPath === undefined
    ? `${title} (skipped: no Chromium is installed; install Debian's \`chromium\`)`
    : title;
}

export function launchBrowser(...flags: readonly string[]): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath ?? '', args: ['--no-sandbox', ...flags] });
}

/** Both schemes on a phone, a tablet and a desk. */
export const views = (['light', 'dark'] as const).flatMap((colorScheme) =>
  [360, 768, 1440].map((width) => ({ colorScheme, width })),
);
export type View = (typeof views)[number];

export async function showAs(page: Page, { colorScheme, width }: View): Promise<void> {
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize({ width, height: 900 });
}

/** Everything that a page must not do while it is open: errors, failed requests, dialogs. Fills as they come. */
export function complaintsOf(page: Page): readonly string[] {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return complaints;
}

/** What axe-core finds: one line each. */
export async function accessibilityProblems(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<{
    violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[];
  }>('axe.run()');
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary ?? ''}`),
  );
}

/** Texts that are cut off, that lie on each other, or that make the page wider than its window: one line each. */
export function layoutProblems(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    interface Placed {
      readonly text: string;
      readonly owner: Element;
      readonly left: number;
      readonly right: number;
      readonly top: number;
      readonly bottom: number;
    }
    const problems: string[] = [];
    const tolerance = 1.5;
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth)
      problems.push(`the page is ${root.scrollWidth} wide in ${root.clientWidth}`);
    const placed: Placed[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const owner = node.parentElement;
      const text = (node.textContent ?? '').trim();
      if (owner === null || text === '' || !owner.checkVisibility({ contentVisibilityAuto: true })) continue;
      if (owner.closest('option, script, style, title') !== null) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const scroller = owner.closest('.scroll')?.getBoundingClientRect();
      for (const rect of range.getClientRects()) {
        if (rect.width < 1 || rect.height < 1) continue;
        // Lines are taller than letters: only what is inked counts.
        const inset = rect.height * 0.2;
        const { left, right } = rect;
        const part = {
          text: text.slice(0, 60),
          owner,
          left,
          right,
          top: rect.top + inset,
          bottom: rect.bottom - inset,
        };
        if (scroller === undefined) {
          if (left < -tolerance || right > root.clientWidth + tolerance) problems.push(`cut off: ${part.text}`);
          placed.push(part);
        } else if (right <= scroller.right && left >= scroller.left) placed.push(part);
      }
      for (let frame: Element | null = owner; frame !== null; frame = frame.parentElement) {
        const hides = getComputedStyle(frame).overflowX === 'hidden' && frame instanceof HTMLElement;
        if (hides && frame.scrollWidth > frame.clientWidth + 1) problems.push(`hidden in part: ${text.slice(0, 60)}`);
      }
    }
    placed.sort((a, b) => a.top - b.top);
    for (const [i, one] of placed.entries()) {
      for (const other of placed.slice(i + 1)) {
        if (other.top >= one.bottom) break;
        const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
        const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
        if (one.owner !== other.owner && across > tolerance && down > tolerance)
          problems.push(`on each other: "${one.text}" and "${other.text}"`);
      }
    }
    return problems;
  });
}

/** Keeps a picture of the page where SCREENSHOTS names a folder: for people to look at. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  const { SCREENSHOTS: folder } = process.env;
  if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
