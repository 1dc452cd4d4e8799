import { formatCount } from '../harness/present/number-format.ts';
import { cssColor } from '../harness/present/report/palette.ts';
import { entries } from './entries.ts';

const SVG = 'http://www.w3.org/2000/svg';
const [WIDTH, HEIGHT] = [880, 300];
const [LEFT, RIGHT, TOP, BOTTOM] = [40, 8, 32, 40];
/** About so many points make a curve. Each is the mean of the losses of several steps. */
const POINTS = 80;
const LOSSES = { low: 1.5, high: 4 } as const;

/** The loss curves of all rows in one picture, on axes that are fixed from the start. */
export class LossCurves {
  readonly #curves: readonly SVGPolylineElement[];
  readonly #svg: SVGSVGElement;
  #steps = 1;

  constructor(place: Element) {
    this.#svg = document.createElementNS(SVG, 'svg');
    this.#svg.setAttribute('role', 'img');
    this.#svg.setAttribute('aria-label', 'Mean loss from step to step, one curve a row');
    this.#curves = entries.map(({ color }, row) => {
      const curve = document.createElementNS(SVG, 'polyline');
      curve.style.stroke = cssColor(color);
      curve.style.strokeWidth = String(2 + 2.5 * (entries.length - 1 - row));
      return curve;
    });
    const legend = document.createElement('ul');
    legend.className = 'legend';
    for (const { implementation, color } of entries) {
      const item = document.createElement('li');
      const mark = document.createElement('span');
      mark.style.setProperty('--color', cssColor(color));
      mark.textContent = '● ';
      item.append(mark, implementation);
      legend.append(item);
    }
    place.append(this.#svg, legend);
    this.reset(this.#steps);
  }

  /** Starts empty curves over so many steps. On a narrow page the picture is narrow, and its text keeps its size. */
  reset(steps: number): void {
    this.#steps = steps;
    const width = this.#width;
    this.#svg.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
    const marks: SVGElement[] = [text(0, 12, 'loss, nats a token')];
    for (const loss of [1.5, 2, 2.5, 3, 3.5, 4]) {
      const y = yOf(loss);
      marks.push(line(LEFT, y, width - RIGHT, y), text(0, y + 4, loss.toFixed(1)));
    }
    const ticks = 4;
    for (let i = 0; i <= ticks; i++) {
      const label = text(this.#xOf((i / ticks) * steps), HEIGHT - 22, formatCount((i / ticks) * steps));
      label.setAttribute('text-anchor', i === 0 ? 'start' : i === ticks ? 'end' : 'middle');
      marks.push(label);
    }
    marks.push(text(LEFT, HEIGHT - 4, 'step'));
    for (const curve of this.#curves) curve.setAttribute('points', '');
    this.#svg.replaceChildren(...marks, ...this.#curves);
  }

  /** @param losses of the first steps */
  draw(row: number, losses: readonly number[]): void {
    const each = Math.max(1, Math.round(this.#steps / POINTS));
    const points: string[] = [];
    for (let start = 0; start < losses.length; start += each) {
      const part = losses.slice(start, start + each);
      const mean = part.reduce((sum, loss) => sum + loss, 0) / part.length;
      points.push(`${this.#xOf(start + part.length / 2).toFixed(1)},${yOf(mean).toFixed(1)}`);
    }
    this.#curves[row].setAttribute('points', points.join(' '));
  }

  get #width(): number {
    return Math.min(WIDTH, Math.max(300, this.#svg.parentElement?.clientWidth ?? WIDTH));
  }

  #xOf(step: number): number {
    const width = this.#svg.viewBox.baseVal.width || this.#width;
    return LEFT + ((width - LEFT - RIGHT) * step) / this.#steps;
  }
}

function yOf(loss: number): number {
  const inside = Math.min(LOSSES.high, Math.max(LOSSES.low, loss));
  return TOP + ((HEIGHT - TOP - BOTTOM) * (LOSSES.high - inside)) / (LOSSES.high - LOSSES.low);
}

function text(x: number, y: number, content: string): SVGTextElement {
  const element = document.createElementNS(SVG, 'text');
  element.setAttribute('x', String(x));
  element.setAttribute('y', String(y));
  element.textContent = content;
  return element;
}

function line(x1: number, y1: number, x2: number, y2: number): SVGLineElement {
  const element = document.createElementNS(SVG, 'line');
  for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) element.setAttribute(name, String(value));
  element.setAttribute('class', 'grid');
  return element;
}
