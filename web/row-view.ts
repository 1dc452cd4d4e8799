import { formatCount, formatFactor, formatNumber, formatPercent } from '../harness/present/number-format.ts';
import { cssColor } from '../harness/present/report/palette.ts';
import type { ColoredEntry } from './entries.ts';
import type { RowState } from './race.ts';

/** One row on the page. Everything is set as text, never as markup. */
export class RowView {
  readonly element: HTMLLIElement = document.createElement('li');
  readonly #bar = document.createElement('div');
  readonly #state = document.createElement('div');
  readonly #speed = document.createElement('div');
  readonly #factor = document.createElement('div');

  constructor({ implementation, technique, precision, color }: ColoredEntry) {
    this.element.style.setProperty('--color', cssColor(color));
    const name = part('name');
    name.append(withText('b', implementation), withText('small', `${technique}, ${precision}`));
    const track = part('track');
    track.append(this.#bar);
    this.#state.className = 'state';
    this.#speed.className = 'speed';
    this.#factor.className = 'factor';
    this.element.append(name, track, this.#speed, this.#factor, this.#state);
  }

  /** @param factor how many times faster than the first row; undefined while the first row has no time */
  show(state: RowState | undefined, steps: number, factor: number | undefined): void {
    const progress = state !== undefined && 'progress' in state ? state.progress : undefined;
    const latest = progress?.latest;
    const isOut = state?.kind === 'wrong' || state?.kind === 'broken';
    this.element.className = isOut ? 'wrong' : (state?.kind ?? '');
    this.#bar.style.transform = `scaleX(${(progress?.losses.length ?? 0) / steps})`;
    this.#state.textContent = state === undefined ? '' : stateText(state, steps);
    const time = latest?.microsecondsPerStep;
    this.#speed.replaceChildren(
      ...(isOut || time === undefined
        ? []
        : [`${formatNumber(1e6 / time)} `, withText('small', `steps/s, ${formatNumber(time)} µs`)]),
    );
    this.#factor.textContent = isOut ? 'no time' : factor === undefined ? '' : formatFactor(factor);
  }
}

function stateText(state: RowState, steps: number): string {
  switch (state.kind) {
    case 'preparing':
      return 'getting ready';
    case 'unsupported':
      return `not in this race: ${state.reason}`;
    case 'broken':
      return `✗ broke: ${state.reason}`;
    case 'wrong':
      return `✗ wrong: ${state.reason}`;
    case 'racing': {
      const { losses, latest } = state.progress;
      return `${formatCount(losses.length)} of ${formatCount(steps)} steps trained, ${formatCount(latest.stepsVerified)} verified`;
    }
    case 'finished':
      return `✓ all ${formatCount(steps)} steps verified; largest error ${formatPercent(state.progress.latest.fractionOfBound ?? 0)} of what rounding allows`;
  }
}

function part(className: string): HTMLDivElement {
  const element = document.createElement('div');
  element.className = className;
  return element;
}

function withText(tag: 'b' | 'small', text: string): HTMLElement {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}
