import { type Markish, type PlotOptions, plot, text } from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { formatNumber } from '../number-format.ts';
import { type Html, html, trusted, visible } from './html.ts';
import { cssColor, languageColor, type Scheme, schemes } from './palette.ts';

/** A picture that can be drawn at any width: as SVG, colours as CSS variables. */
export type Chart = (width: number) => Html;

const { document } = parseHTML('<!doctype html><html><body></body></html>');

export const FONT_PIXELS = 13;
/** A coloured dot stands before a text, which is ink itself and readable on any colour. */
export const DOT_PIXELS = 14;
const LABELLED_TICK_PIXELS = 42;

/** A horizontal axis with its label below the left end. */
export function axisBelow(label: string, labelOffset: number) {
  return { label, labelArrow: 'none', labelAnchor: 'left', labelOffset, tickSize: 0 } as const;
}

/** Keeps lines from running through a text. */
export const halo = { fill: cssColor('ink'), stroke: cssColor('paper'), strokeWidth: 4 } as const;

/** Draws with Observable Plot, without a browser. The serializer escapes text. @param label what a screen reader says instead */
export function drawing(label: string, options: PlotOptions): Html {
  const svg = plot({ document, ...options });
  svg.setAttribute('style', `font:${FONT_PIXELS}px system-ui,sans-serif;overflow:visible`);
  // The picture is one image with one label; the figures are in the table behind it.
  for (const part of svg.querySelectorAll('[aria-label]')) part.removeAttribute('aria-label');
  for (const style of svg.querySelectorAll('style')) style.remove();
  // The serializer leaves < in attributes: HTML allows that, XML does not.
  const opening = html`<svg role="img" aria-label="${label}" `.markup;
  return trusted(visible(svg.outerHTML).replace('<svg ', () => opening));
}

/** At most, near enough to leave room for it. */
export function textPixels(text: string): number {
  return Math.ceil([...text].length * FONT_PIXELS * 0.58);
}

export function cutToPixels(text: string, pixels: number): string {
  const characters = [...visible(text)];
  const most = Math.max(1, Math.floor(pixels / (FONT_PIXELS * 0.58)));
  return characters.length <= most ? characters.join('') : `${characters.slice(0, most - 1).join('')}…`;
}

/** A chart as a file of its own, in the colours of one scheme: not every viewer knows CSS variables. */
export function svgFile(chart: Chart, width: number, scheme: Scheme): string {
  const colors: Readonly<Record<string, string>> = schemes[scheme];
  const svg = chart(width)
    .markup.replaceAll(/var\(--(\w+)\)/g, (whole, name: string) => colors[name] ?? whole)
    .replaceAll('currentColor', colors['ink']);
  return `${svg.replace('<svg ', '<svg xmlns="http://www.w3.org/2000/svg" ')}\n`;
}

/** Powers of ten inside a range; every second or third if the axis has no room for all labels. */
export function decades([low, high]: readonly [number, number], pixels = Number.POSITIVE_INFINITY): number[] {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const each = Math.ceil((LABELLED_TICK_PIXELS * Math.log10(high / low)) / pixels) || 1;
  return Array.from({ length: Math.max(0, Math.floor((last - first) / each) + 1) }, (_, i) => 10 ** (first + i * each));
}

/** The label of a decade: `1`, `10`, `10k`. */
export function formatTick(value: number): string {
  return value >= 1000 ? `${formatNumber(value / 1000, 1)}k` : String(Number(value.toPrecision(1)));
}

/**
 * The legend of languages on top of a chart, in as many lines as it takes: keys of the lines for the y axis, and marks for a
 * chart whose frame begins `left` pixels from its edge.
 */
export function languageLegend(languages: readonly string[], width: number) {
  const places: { language: string; line: number; x: number }[] = [];
  let [line, x] = [0, 0];
  for (const language of new Set(languages)) {
    const pixels = DOT_PIXELS + textPixels(language) + 14;
    if (x > 0 && x + pixels > width) [line, x] = [line + 1, 0];
    places.push({ language, line, x });
    x += pixels;
  }
  const keys = Array.from({ length: line + 1 }, (_, i) => `l${i}`);
  return {
    keys,
    marks: (left: number): readonly Markish[] =>
      places.flatMap(({ language, line, x }) => {
        const at = { y: () => keys[line], frameAnchor: 'left', textAnchor: 'start', ...halo } as const;
        return [
          text([language], { ...at, text: () => '●', dx: x - left, fill: languageColor(language) }),
          text([language], { ...at, text: () => cutToPixels(language, width - 30), dx: x - left + DOT_PIXELS }),
        ];
      }),
  };
}
