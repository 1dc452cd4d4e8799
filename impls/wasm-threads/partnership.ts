/** A millisecond together spares about so many that the first thread would need for the other parts. */
const spared = 0.5;
/** So many milliseconds lost beyond those spared, and the threads part: some turns of a scheduler. */
const mostLost = 6;
const shortestPause = 10;
const longestPause = 320;

/** Whether the first thread trains all parts by itself, or each thread its own. Times are in milliseconds. */
export interface Partnership {
  /** How to train the next step. `trying` is alone, while the others find out whether they have cores to themselves. */
  readonly mode: 'together' | 'alone' | 'trying';
  /** A step has been trained that took so long, of which threads lost so much waiting for one that had no core. */
  trained(took: number, lost: number): void;
  /** Whether the others had cores while the first thread was at work. */
  tried(quiet: boolean): void;
}

/**
 * Parts where threads lose more by waiting than they spare: being late once costs less than parting, being late again and
 * again does not. After a pause the others try their cores; each failure, and each reunion that is shorter than the pause
 * before it, doubles it.
 */
export class AdaptivePartnership implements Partnership {
  #mode: Partnership['mode'] = 'together';
  /** Time in this mode. */
  #elapsed = 0;
  #lost = 0;
  #pause = shortestPause;

  get mode(): Partnership['mode'] {
    return this.#mode;
  }

  trained(took: number, lost: number): void {
    this.#elapsed += took;
    if (this.#mode === 'together') {
      this.#lost = Math.max(0, this.#lost + lost - spared * Math.max(0, took - lost));
      if (this.#lost <= mostLost) return;
      if (this.#elapsed > this.#pause) this.#pause = shortestPause;
      this.#pauseLonger();
    } else if (this.#mode === 'alone' && this.#elapsed >= this.#pause) this.#change('trying');
  }

  tried(quiet: boolean): void {
    if (quiet) this.#change('together');
    else this.#pauseLonger();
  }

  #pauseLonger(): void {
    this.#pause = Math.min(2 * this.#pause, longestPause);
    this.#change('alone');
  }

  #change(mode: Partnership['mode']): void {
    this.#mode = mode;
    this.#elapsed = 0;
    this.#lost = 0;
  }
}
